// Builds dist/: the bundled, minified command line and its launcher, man pages and completions, and fills the compile cache
// that makes it start fast.
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import packageJson from './package.json' with { type: 'json' };
import { completions } from './src/cli/completion/scripts.ts';
import { program } from './src/cli/main.ts';
import { manPages } from './src/cli/man.ts';

const { version } = packageJson;

const root = new URL('.', import.meta.url).pathname;
const next = `${root}dist.next`;
const out = `${root}dist`;
/** The variable of what was preloaded. */
const KEPT = '__reconciledChunks';
/** What a daemon imports when it starts, or never. */
const AT_START = ['src/cli/live.ts', 'node_modules/pino-pretty/index.js'];
rmSync(next, { recursive: true, force: true });
const { outputFiles, metafile } = await build({
  entryPoints: [`${root}src/cli.ts`],
  outdir: next,
  write: false,
  metafile: true,
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: false,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: false,
  legalComments: 'none',
  chunkNames: 'chunks/[hash]',
  // Its main file is of the older kind of modules, whose names are not seen where it is imported when it is needed.
  alias: { 'json-p3': 'json-p3/dist/json-p3.esm.js' },
  logLevel: 'warning',
  plugins: [{ name: 'no subcommands that are programs', setup: withoutSpawning }],
});
mkdirSync(`${next}/chunks`, { recursive: true });
for (const { path, text } of outputFiles) writeFileSync(path, lean(kept(text)));
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
 * Loads all that these modules could ever import, lazily too, and keeps it where `kept` finds it: a daemon that has it needs
 * no file of ours any more, and whoever installs another release may delete the one that runs.
 */
function preload(entryPoints) {
  const { outputs } = metafile;
  const found = new Set(Object.keys(outputs).filter((path) => entryPoints.includes(outputs[path].entryPoint)));
  if (found.size < entryPoints.length) throw new Error('a module to be preloaded has no chunk of its own');
  const lazy = new Set(found);
  for (const path of found)
    for (const { path: other, kind, external } of outputs[path].imports) {
      if (external || AT_START.some((source) => outputs[other].entryPoint?.endsWith(source))) continue;
      found.add(other);
      if (kind === 'dynamic-import') lazy.add(other);
    }
  const names = [...lazy].map((path) => basename(path, '.js'));
  // One after another, so that whoever asks the daemon something meanwhile need not wait for all of it.
  const load = `for(const[name,load]of chunks){kept[name]=Promise.resolve(await load());await new Promise(setImmediate)}`;
  const chunks = names.map((name) => `["${name}",()=>import('./chunks/${name}.js')]`).join(',\n');
  return `const kept={};const chunks=[${chunks}];\n${load}\nglobalThis.${KEPT}=kept;\n`;
}

/** Takes a chunk from what was preloaded. To import it anew, Node looks for its file, though it has long been loaded. */
function kept(code) {
  return code.replace(/\bimport\("\.\/([A-Z0-9]+)\.js"\)/g, `(globalThis.${KEPT}?.["$1"]??$&)`);
}

/** The library for command lines loads what starts programs, for subcommands that are some: there are none of these here. */
function withoutSpawning({ onResolve, onLoad }) {
  onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
    importer.includes('/node_modules/commander/') ? { path: 'child_process', namespace: 'unused' } : undefined,
  );
  onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'export default {};' }));
}
