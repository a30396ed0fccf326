import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const SRC = new URL('../../src/', import.meta.url).pathname;

/** Layers by the paths of their files, the first that fits, and the layers each may import besides itself. */
const LAYERS: readonly (readonly [layer: string, files: RegExp, may: readonly string[]])[] = [
  ['schema types', /^desired\/generated\//, []],
  [
    'leaf',
    /^(environment|said|guard|model|patterns|problem|units|canonical|secrets|stamp|fields|instance|revision|closest|settings|thing|waiting)\.ts$|^journal\/entry\.ts$/,
    ['schema types'],
  ],
  ['host', /^host\//, ['leaf']],
  ['health', /^health\//, ['host', 'leaf']],
  ['desired', /^desired\//, ['host', 'leaf', 'schema types']],
  // Commits: fetched, trusted, read.
  ['git', /^git\//, ['decisions', 'host', 'leaf']],
  // What was decided, kept whole.
  ['decisions', /^decisions\.ts$/, ['host', 'leaf']],
  // Who may be restarted, and when.
  ['restarts', /^restarts\//, ['decisions', 'host', 'leaf']],
  // What was done, kept.
  ['journal', /^journal\//, ['host', 'leaf']],
  ['planner', /^(planner|order)\.ts$|^planner\//, ['leaf']],
  ['supervisor interface', /^supervisors\/(supervisor|fields|taker|log-place)\.ts$/, ['leaf', 'schema types']],
  [
    'registry',
    /^supervisors\/index\.ts$/,
    ['supervisor', 'supervisor interface', 'supervisor parts', 'restarts', 'health', 'leaf'],
  ],
  ['supervisor parts', /^supervisors\/shared\//, ['restarts', 'health', 'host', 'leaf']],
  [
    'supervisor',
    /^supervisors\/[^/]+\//,
    ['supervisor interface', 'supervisor parts', 'restarts', 'health', 'host', 'leaf', 'schema types'],
  ],
  // Who runs what on this host, whoever made it so.
  ['graph', /^graph\//, ['supervisor', 'host', 'leaf']],
  // Who keeps undoing what was done.
  ['duels', /^duels\//, ['graph', 'host', 'leaf']],
  // What is nobody's to supervise: processes by themselves, lines of crontabs.
  ['things', /^things\//, ['supervisor interface', 'supervisor parts', 'host', 'leaf']],
  // Whom to tell, and how.
  ['alerts', /^alerts\//, ['desired', 'host', 'leaf', 'schema types']],
  // What services write, read where it is.
  ['logs', /^logs\//, ['host', 'leaf']],
  ['view', /^cli\/(views\/|style\.ts$)/, ['leaf']],
  [
    'engine',
    /^(handover|control|gates|capture|operate|verify|service)\/|^(change|engine|status-notes|abandoned|apply|check-names|status|config|config-file|config-origins|definitions|environments|groups|instances|launcher|leaving|left|marks|prepare|request|service-files|sources|surroundings|unsafe-instances|used)\.ts$/,
    [
      'git',
      'decisions',
      'restarts',
      'desired',
      'planner',
      'registry',
      'supervisor',
      'supervisor interface',
      'supervisor parts',
      'graph',
      'duels',
      'things',
      'health',
      'host',
      'leaf',
      'schema types',
    ],
  ],
  // What a host has, as desired state.
  [
    'import',
    /^import\//,
    [
      'engine',
      'desired',
      'registry',
      'supervisor',
      'supervisor interface',
      'supervisor parts',
      'graph',
      'things',
      'host',
      'leaf',
      'schema types',
    ],
  ],
  [
    'daemon',
    /^daemon\//,
    [
      'git',
      'decisions',
      'restarts',
      'alerts',
      'journal',
      'engine',
      'desired',
      'planner',
      'registry',
      'supervisor',
      'supervisor interface',
      'graph',
      'duels',
      'health',
      'host',
      'leaf',
    ],
  ],
  // A first desired state.
  ['init', /^init\//, ['desired', 'host', 'leaf']],
  // What is wrong with a host or a setup.
  [
    'doctor',
    /^doctor\//,
    [
      ...['daemon', 'init', 'git', 'decisions', 'restarts', 'journal', 'engine', 'desired', 'registry', 'supervisor'],
      ...['supervisor interface', 'supervisor parts', 'graph', 'health', 'host', 'leaf'],
    ],
  ],
  [
    'cli',
    /^cli(\.ts$|\/)/,
    [
      'daemon',
      'doctor',
      'init',
      'git',
      'decisions',
      'restarts',
      'restarts',
      'alerts',
      'logs',
      'journal',
      'engine',
      'import',
      'view',
      'desired',
      'planner',
      'registry',
      'supervisor',
      'supervisor interface',
      'graph',
      'duels',
      'health',
      'host',
      'leaf',
    ],
  ],
];

/** Files over 12 KB, and why each is not split. */
const LARGE: Readonly<Record<string, string>> = {
  'model.ts': 'the words of the project in one place, types alone',
};

const files = (readdirSync(SRC, { recursive: true }) as string[]).filter((file) => /\.(ts|js)$/.test(file)).sort();

function layerOf(file: string): string | undefined {
  return LAYERS.find(([, pattern]) => pattern.test(file))?.[0];
}

/** What a file imports, exports from or loads lazily, types too. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const statement = /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm;
  const lazy = /\bimport\(\s*['"]([^'"\n]+)['"]/g;
  return [...code.matchAll(statement), ...code.matchAll(lazy)].map(([, path]) => path ?? '');
}

function edges(): { readonly from: string; readonly to: string }[] {
  return files
    .filter((from) => !from.startsWith('desired/generated/'))
    .flatMap((from) =>
      importsOf(readFileSync(join(SRC, from), 'utf8'))
        .filter((path) => path.startsWith('.'))
        .map((path) => ({ from, to: relative(SRC, join(SRC, dirname(from), path)) }))
        // The package's own description (package.json), outside src.
        .filter(({ to }) => !to.startsWith('..')),
    );
}

it('sees every way to import', () => {
  const text = `import a from './a.ts';
import type { B } from './b.ts';
import {
  c,
  d,
} from './c.ts';
import './d.ts';
export { e } from './e.ts';
export * from './f.ts';
// import x from './x.ts';
const g = await import('./g.ts');
type H = import('./h.ts').H;
export const i = from('./i.ts');
`;
  expect(importsOf(text).sort()).toEqual([
    './a.ts',
    './b.ts',
    './c.ts',
    './d.ts',
    './e.ts',
    './f.ts',
    './g.ts',
    './h.ts',
  ]);
  expect(edges().length).toBeGreaterThan(20);
});

it('has a layer for every file', () => {
  expect(files.filter((file) => layerOf(file) === undefined)).toEqual([]);
});

it('imports in one direction only', () => {
  const wrong = edges().filter(({ from, to }) => {
    const layer = layerOf(from);
    const target = layerOf(to);
    if (layer === 'supervisor' && target === 'supervisor') return from.split('/')[1] !== to.split('/')[1];
    const may = LAYERS.find(([name]) => name === layer)?.[2] ?? [];
    return target === undefined || (target !== layer && !may.includes(target));
  });
  expect(wrong.map(({ from, to }) => `${from} (${layerOf(from)}) imports ${to} (${layerOf(to)})`)).toEqual([]);
});

it('keeps planner and views free of the host: they import no module of Node but pure ones', () => {
  const pure = ['node:util', 'node:crypto'];
  const wrong = files
    .filter((file) => ['planner', 'view', 'leaf'].includes(layerOf(file) ?? ''))
    .flatMap((file) => importsOf(readFileSync(join(SRC, file), 'utf8')).map((path) => [file, path] as const))
    .filter(([, path]) => path.startsWith('node:') && !pure.includes(path));
  expect(wrong).toEqual([]);
});

it('has no file over 12 KB without a reason', () => {
  const large = files.filter((f) => !f.startsWith('desired/generated/') && statSync(join(SRC, f)).size > 12 * 1024);
  expect(large.filter((file) => LARGE[file] === undefined)).toEqual([]);
});
