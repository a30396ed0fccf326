import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { edited, Unwritable } from '../../../src/capture/edit.ts';
import { type Edit, editTree } from '../../../src/capture/tree.ts';
import { parseQuickly } from '../../../src/desired/quick.ts';
import { loadYaml } from '../../../src/desired/yaml.ts';
import { type Tree, type Value, values, written } from '../../rig/yaml-texts.ts';

beforeAll(async () => {
  await loadYaml();
});

/** Every place of a tree. */
function placesIn(value: Value, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object') return [path];
  const below = Array.isArray(value) ? value.map((item, i) => [i, item] as const) : Object.entries(value);
  return [path, ...below.flatMap(([key, item]) => placesIn(item, [...path, key]))];
}
const at = (value: unknown, path: readonly (string | number)[]) =>
  path.reduce<unknown>((here, key) => (here as Record<string, unknown> | undefined)?.[key], value);

/** What one text has, in order, the other has too. */
function isWithin(less: string, more: string): boolean {
  let i = 0;
  for (const c of more) if (c === less[i]) i += 1;
  return i === less.length;
}

/** The comments of these texts, and those on lines of their own. */
const NOTES = /# (?:about: it|\[more, of\] it|far left|the end|top|yaml-language|why|a: b|one|last|kept)/g;
const OWN = /(?<=^\s*)# (?:about: it|\[more, of\] it|far left|the end|top|yaml-language)/gm;
function notesOf(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([note]) => note);
}

const RUNS = process.env.RECONCILED_LONG === undefined ? 500 : 20_000;

const FILE = `# The engine; ask ann before you touch it.
supervisor: systemd
state: running        # since May
command: [/opt/engine,   --fast]  # odd spacing, and ours
stop: { timeout: 30s }
`;

describe('an edit of a file', () => {
  it('changes a value where it stands, and nothing beside it', () => {
    expect(edited(FILE, [{ kind: 'set', path: ['state'], value: 'stopped' }])).toBe(
      FILE.replace('state: running ', 'state: stopped '),
    );
    expect(edited(FILE, [{ kind: 'set', path: ['stop', 'timeout'], value: '45s' }])).toBe(FILE.replace('30s', '45s'));
    expect(edited(FILE, [{ kind: 'set', path: ['stop', 'signal'], value: 'INT' }])).toBe(
      FILE.replace('timeout: 30s', 'timeout: 30s, signal: INT'),
    );
  });

  it('adds what is new at the end, and removes whole lines', () => {
    expect(edited(FILE, [{ kind: 'set', path: ['autostart'], value: false }])).toBe(`${FILE}autostart: false\n`);
    expect(edited(FILE, [{ kind: 'set', path: ['limits', 'openFiles'], value: 4096 }])).toBe(
      `${FILE}limits:\n  openFiles: 4096\n`,
    );
    const more = `${FILE}autostart: true # at boot\n`;
    expect(edited(more, [{ kind: 'remove', path: ['autostart'] }])).toBe(FILE);
    // A map goes with its last key.
    expect(edited(FILE, [{ kind: 'remove', path: ['stop', 'timeout'] }])).toBe(FILE.replace(/^stop.*\n/m, ''));
    expect(edited('', [{ kind: 'set', path: ['a'], value: 1 }])).toBe('a: 1\n');
    expect(edited('# nothing yet', [{ kind: 'set', path: ['a'], value: 1 }])).toBe('# nothing yet\na: 1\n');
    expect(edited('a: 1', [{ kind: 'set', path: ['b'], value: 1 }])).toBe('a: 1\nb: 1');
  });

  it('changes the items of a list that differ', () => {
    const list = 'command:\n  - /opt/x # the engine\n  # how fast\n  - --fast\n  - --loud\n';
    const set = (value: string[]) => edited(list, [{ kind: 'set', path: ['command'], value }]);
    expect(set(['/opt/x', '--slow', '--loud'])).toBe(list.replace('--fast', '--slow'));
    expect(set(['/opt/x', '--fast'])).toBe(list.replace('  - --loud\n', ''));
    expect(set(['/opt/x', '--fast', '--very', '--loud'])).toBe(list.replace('--fast\n', '--fast\n  - --very\n'));
    expect(edited(FILE, [{ kind: 'add', path: ['command'], value: '8080' }])).toContain(
      '[/opt/engine,   --fast, "8080"]  # odd',
    );
    const raw = { kind: 'add', path: ['raw', 'systemd'], value: ['Service', 'OOMScoreAdjust', '-500'] } as const;
    expect(edited(FILE, [raw])).toBe(`${FILE}raw:\n  systemd:\n    - [Service, OOMScoreAdjust, "-500"]\n`);
  });

  it('leaves JSON JSON, in its own form', () => {
    expect(edited('{"state":"running"}', [{ kind: 'set', path: ['state'], value: 'stopped' }])).toBe(
      '{"state":"stopped"}',
    );
    const json = '{\n  "state": "running",\n  "command": ["a", "b"]\n}\n';
    const more = edited(json, [
      { kind: 'set', path: ['limits', 'core'], value: '0B' },
      { kind: 'add', path: ['command'], value: 'c' },
    ]);
    expect(more).toBe('{\n  "state": "running",\n  "command": ["a", "b", "c"],\n  "limits": { "core": "0B" }\n}\n');
    expect(
      edited(more, [
        { kind: 'remove', path: ['limits'] },
        { kind: 'remove', path: ['command', 2] },
      ]),
    ).toBe(json);
  });

  it('writes out what is meant several times where one of them is to change, and refuses where more would change', () => {
    const shared = 'a: &l { core: 0B }\nb: *l # the same\nc: [*l]\n';
    expect(edited(shared, [{ kind: 'set', path: ['b', 'stack'], value: '8MiB' }])).toBe(
      'a: &l { core: 0B }\nb: { core: 0B, stack: 8MiB } # the same\nc: [*l]\n',
    );
    expect(edited(shared, [{ kind: 'set', path: ['b'], value: 1 }])).toBe(
      'a: &l { core: 0B }\nb: 1 # the same\nc: [*l]\n',
    );
    expect(() => edited(shared, [{ kind: 'set', path: ['a', 'core'], value: '1B' }])).toThrow(Unwritable);
    const alone = 'a: &l { core: 0B }\n';
    expect(edited(alone, [{ kind: 'set', path: ['a', 'core'], value: '1B' }])).toBe('a: &l { core: 1B }\n');
  });
});

describe('an edit of any file', () => {
  it('changes the value that is meant, and no other, wherever it is and however it is written', () => {
    fc.assert(
      fc.property(
        written,
        fc.nat(),
        values,
        fc.constantFrom('set', 'remove', 'add', 'new'),
        ({ value, text }, n, next, kind) => {
          expect(parse(text)).toEqual(value);
          const places = placesIn(value).slice(1);
          const path = places[n % places.length] ?? [];
          const trees = [[], ...places].filter((place) => isTree(at(value, place)));
          const edit: Edit =
            kind === 'remove'
              ? { kind, path }
              : kind === 'new'
                ? { kind: 'set', path: [...(trees[n % trees.length] ?? []), 'fresh'], value: next }
                : kind === 'add' && Array.isArray(at(value, path))
                  ? { kind: 'add', path, value: next }
                  : { kind: 'set', path, value: next };
          const wanted = structuredClone(value);
          editTree(wanted, edit);
          const now = edited(text, [edit]);
          expect(parse(now) ?? {}).toEqual(wanted);
          const old = at(value, path);
          if (kind === 'remove') {
            const alone = Object.keys(at(value, path.slice(0, -1)) as object).length === 1 && path.length > 1;
            if (!alone && typeof old !== 'object') expect(notesOf(now, OWN)).toEqual(notesOf(text, OWN));
            if (!alone) expect(isWithin(now, text)).toBe(true);
          } else if (edit.kind === 'add' || kind === 'new' || typeof old !== 'object')
            expect(notesOf(now, NOTES)).toEqual(notesOf(text, NOTES));
          // A new key changes nothing that is there.
          if (kind === 'new' && !isEmpty(at(value, edit.path.slice(0, -1)))) expect(isWithin(text, now)).toBe(true);
          // Of a value the value alone is another.
          if (edit.kind === 'set' && kind === 'set' && isWord(old) && isWord(next)) {
            const [was, is] = difference(text, now);
            expect(JSON.stringify(old) + String(old)).toContain(
              was.replaceAll(/^['"]|['"]$/g, '').replaceAll("''", "'"),
            );
            expect(is).not.toContain('\n');
          }
          expect(parseQuickly(now) ?? wanted).toEqual(wanted);
          expect(/\r\n/.test(text) ? now.replaceAll('\r\n', '') : now).not.toContain('\r');
          if (now !== '' && kind !== 'remove' && typeof old !== 'object')
            expect(now.endsWith('\n')).toBe(text.endsWith('\n'));
        },
      ),
      { numRuns: RUNS, verbose: 0 },
    );
  });
});

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
function isEmpty(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0;
}
function isWord(value: unknown): boolean {
  return typeof value !== 'object' && /^[\x20-\x7e]*$/.test(String(value));
}
/** What is between what both begin with and what both end with. */
function difference(a: string, b: string): readonly [string, string] {
  let i = 0;
  while (i < Math.min(a.length, b.length) && a[i] === b[i]) i += 1;
  let j = 0;
  while (j < Math.min(a.length, b.length) - i && a.at(-1 - j) === b.at(-1 - j)) j += 1;
  return [a.slice(i, a.length - j), b.slice(i, b.length - j)];
}
