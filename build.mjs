// Builds dist/: the bundled, minified command line and its launcher, man pages and completions, and fills the compile cache
// that makes it start fast.
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import packageJson from './package.json' with { type: 'json' };
import { completions } from './src/cli/completion/scripts.ts';
import { program } from './src/cli/main.ts';
import { manPages } from './src/cli/man.ts';
import { LOADER } from './src/service/preload.ts';

const { version } = packageJson;

const root = new URL('.', import.meta.url).pathname;
const next = `${root}dist.next`;
const out = `${root}dist`;
/** How the names of merged chunks begin. */
const MERGED = 'ALL';
/** What a daemon imports when it starts, or never. */
const AT_START = ['src/cli/live.ts', 'node_modules/pino-pretty/index.js'];
/** What is often run, what needs least first: all commands, those that ask a daemon, those that look and plan by themselves. */
const TOGETHER = [
  'src/cli/main.ts',
  'src/cli/commands/status.ts',
  'src/cli/commands/plan.ts',
  'src/daemon/ask-plan.ts',
  'src/cli/commands/status-here.ts',
  'src/cli/commands/own-plan.ts',
];
const BUNDLE = {
  write: false,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  legalComments: 'none',
  logLevel: 'warning',
};
rmSync(next, { recursive: true, force: true });
const { outputFiles, metafile } = await build({
  ...BUNDLE,
  entryPoints: [`${root}src/cli.ts`],
  outdir: next,
  metafile: true,
  splitting: true,
  chunkNames: 'chunks/[hash]',
  // Its main file is of the older kind of modules, whose names are not seen where it is imported when it is needed.
  alias: { 'json-p3': 'json-p3/dist/json-p3.esm.js' },
  plugins: [
    { name: 'no subcommands that are programs', setup: withoutSpawning },
    { name: 'no logs written by threads', setup: withoutThreads },
  ],
});
mkdirSync(`${next}/chunks`, { recursive: true });
for (const [path, text] of await merged(TOGETHER)) writeFileSync(path, lean(kept(text)));
const forker = await build({
  ...BUNDLE,
  entryPoints: [`${root}src/supervisors/builtin/forker-process.ts`],
});
writeFileSync(`${next}/forker.js`, lean(forker.outputFiles[0].text));
writeFileSync(`${next}/preload.js`, preload(['src/cli/commands/daemon.ts', 'src/cli/views/problems.ts']));
copyFileSync(`${root}src/launcher.sh`, `${next}/reconcile`);
chmodSync(`${next}/reconcile`, 0o755);
for (const [folder, files] of [
  ['man', manPages(program(), version)],
  ['completions', completions()],
]) {
  mkdirSync(`${next}/${folder}`);
  for (const [name, text] of files) writeFileSync(`${next}/${folder}/${name}`, text);
}
// A running daemon may still load from the old folder: it is moved aside whole, never written into.
if (existsSync(out)) renameSync(out, `${root}dist.old`);
renameSync(next, out);
rmSync(`${root}dist.old`, { recursive: true, force: true });
// A dry run asks a daemon first: one that hangs up.
mkdirSync(`${out}/none`);
const daemon = createServer((client) => client.destroy()).on('error', () => {});
await new Promise((resolve) => daemon.once('error', resolve).listen(`${out}/none/control.sock`, resolve));
for (const args of [['--version'], ['validate'], ['status'], ['--dry-run']]) {
  const all = [...args, '--runtime-dir', `${out}/none`, '--desired-state', `${root}desired-state`];
  // Only the compile cache is wanted.
  await promisify(execFile)(`${out}/reconcile`, all).catch(() => {});
}
daemon.close();

/**
 * Takes Node's own modules without their ES module face: to make that, Node reads every export of them, and so loads what
 * nobody here uses (of `node:process` all streams, of `node:crypto` all of WebCrypto), which takes as long as Node's start.
 */
function lean(code) {
  const names = [];
  const rest = code.replace(
    /\bimport(?: ?([\w$]+),?)?(?:\*as ([\w$]+)|\{([^{}"';]*)\})? ?from ?"(node:[a-z0-9_/]+)";?/g,
    (_, whole, all, some, module) => {
      const from = `process.getBuiltinModule("${module}")`;
      for (const name of [whole, all]) if (name !== undefined) names.push(`${name}=${from}`);
      if (some !== undefined) names.push(`{${some.replace(/([\w$]+) as ([\w$]+)/g, '$1:$2')}}=${from}`);
      return '';
    },
  );
  if (/\bfrom ?"node:|\bimport ?"node:/.test(rest))
    throw new Error('a module of Node is imported in a way that is not known here');
  // What was CommonJS asks for modules of Node with require().
  if (/\brequire\b/.test(rest))
    names.push('require=process.getBuiltinModule("node:module").createRequire(import.meta.url)');
  return names.length === 0 ? rest : `const ${names.join(',')};${rest}`;
}

/**
 * All files, by their paths, with what each of these modules needs at once in one file: a module shared by several commands
 * has a chunk of its own, and to load sixty small ones takes longer than to run what is in them. What an earlier one of them
 * needs is not in the file of a later one.
 */
async function merged(entryPoints) {
  const files = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const { outputs } = metafile;
  const pathOf = (output) => outputFiles.find(({ path }) => path.endsWith(`/${output}`)).path;
  /** Its new chunk, by the name of an old one. */
  const places = new Map();
  for (const entryPoint of entryPoints) {
    const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint === entryPoint);
    const parts = [...neededBy(entry)].filter((path) => !outputs[path].entryPoint && !places.has(nameOf(path)));
    if (parts.length === 0) continue;
    const exported = parts.map((path) => {
      const names = outputs[path].exports.map((name) => `${name} as _${nameOf(path)}_${name}`);
      return names.length === 0
        ? `import './${nameOf(path)}.js';\n`
        : `export {${names}} from './${nameOf(path)}.js';\n`;
    });
    const texts = new Map(parts.map((path) => [nameOf(path), files.get(pathOf(path))]));
    const result = await build({
      ...BUNDLE,
      stdin: { contents: exported.join(''), resolveDir: next },
      plugins: [{ name: 'chunks', setup: (plugin) => fromTexts(plugin, texts) }],
    });
    const place = `${MERGED}${entryPoints.indexOf(entryPoint)}`;
    for (const path of parts) {
      places.set(nameOf(path), place);
      files.delete(pathOf(path));
    }
    files.set(`${next}/chunks/${place}.js`, result.outputFiles[0].text);
  }
  return [...files].map(([path, text]) => [path, redirected(text, places)]);
}

/** What a chunk imports when it is loaded, and so on through these. */
function neededBy(path, found = new Set()) {
  for (const { path: other, kind, external } of metafile.outputs[path].imports) {
    if (external || kind !== 'import-statement' || found.has(other)) continue;
    found.add(other);
    neededBy(other, found);
  }
  return found;
}

function nameOf(path) {
  return basename(path, '.js');
}

/** Takes chunks from where they are kept; all others stay files of their own. */
function fromTexts({ onResolve, onLoad }, texts) {
  onResolve({ filter: /^\.\/(chunks\/)?[A-Z0-9]+\.js$/ }, ({ path, kind }) => {
    const name = nameOf(path);
    if (kind === 'dynamic-import' || !texts.has(name)) return { path: `./${name}.js`, external: true };
    return { path: name, namespace: 'chunks' };
  });
  onLoad({ filter: /./, namespace: 'chunks' }, ({ path }) => ({ contents: texts.get(path), resolveDir: next }));
}

/** With what is merged taken from where it is now. */
function redirected(text, places) {
  const moved = text.replace(
    /\bimport ?(?:\{([^}]*)\} ?from ?)?"(\.\/(?:chunks\/)?)([A-Z0-9]+)\.js"/g,
    (whole, names, folder, name) => {
      const place = places.get(name);
      if (place === undefined) return whole;
      if (names === undefined) return `import"${folder}${place}.js"`;
      const renamed = names.split(',').map((each) => {
        const [theirs, ours = theirs] = each.trim().split(/\s+as\s+/);
        return `_${name}_${theirs} as ${ours}`;
      });
      return `import{${renamed}}from"${folder}${place}.js"`;
    },
  );
  const left = [...moved.matchAll(/\.\/(?:chunks\/)?([A-Z0-9]+)\.js"/g)].find(([, name]) => places.has(name));
  if (left !== undefined)
    throw new Error(`a chunk that was merged is used in a way that is not known here: ${left[0]}`);
  return moved;
}

/**
 * The list of all that these modules could ever import, lazily too, for src/service/preload.ts: whoever installs another release
 * may delete the one that a daemon runs from.
 */
function preload(entryPoints) {
  const { outputs } = metafile;
  const found = new Set(Object.keys(outputs).filter((path) => entryPoints.includes(outputs[path].entryPoint)));
  if (found.size < entryPoints.length) throw new Error('a module to be preloaded has no chunk of its own');
  for (const path of found)
    for (const { path: other, external } of outputs[path].imports) {
      if (external || AT_START.some((source) => outputs[other].entryPoint?.endsWith(source))) continue;
      found.add(other);
    }
  const there = readdirSync(`${next}/chunks`).map(nameOf);
  // With what was merged, which has other names.
  const names = there.filter((name) => name.startsWith(MERGED) || [...found].some((path) => nameOf(path) === name));
  return `export const names=${JSON.stringify(names)};export const load=(name)=>import('./chunks/'+name+'.js');\n`;
}

/** Takes a chunk from what is held. To import it anew, Node looks for its file, though it has long been loaded. */
function kept(code) {
  return code.replace(/\bimport\("\.\/([A-Z0-9]+)\.js"\)/g, `(globalThis.${LOADER}?.("$1")??$&)`);
}

/** The library for logs can have a thread write them, which ours need not: without it nothing of threads is loaded. */
function withoutThreads({ onResolve, onLoad }) {
  onResolve({ filter: /^(worker_threads|thread-stream)$/ }, ({ path, importer }) =>
    importer.includes('/node_modules/pino/') ? { path, namespace: 'no-threads' } : undefined,
  );
  onLoad({ filter: /./, namespace: 'no-threads' }, () => ({ contents: 'module.exports = { isMainThread: true };' }));
}

/** The library for command lines loads what starts programs, for subcommands that are some: there are none of these here. */
function withoutSpawning({ onResolve, onLoad }) {
  onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
    importer.includes('/node_modules/commander/') ? { path: 'child_process', namespace: 'unused' } : undefined,
  );
  onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'export default {};' }));
}
