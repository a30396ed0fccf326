import { basename } from 'node:path';
import type { Thing } from '../thing.ts';
import type { Declared } from './declared.ts';
import { commandsIn, withoutPrefix } from './words.ts';
import { skipOptions, unwrap } from './wrappers.ts';

/** What a service is known by to those who start it: the names of its units, and of its programs. */
export interface Names {
  readonly units: ReadonlySet<string>;
  readonly programs: ReadonlySet<string>;
}

/** Its own, and those of what it takes the place of; `also` are units and programs of others that run it. */
export function namesOf({ id, supervisor, unit, supersedes }: Declared, also: readonly Thing[]): Names {
  const things = [...supersedes, ...also];
  const units = things.flatMap((thing) => (thing.kind === 'unit' ? [thing.unit] : []));
  const programs = things.flatMap((thing) => (thing.kind === 'program' ? [thing.program] : []));
  return {
    units: new Set([...(unit === undefined ? [] : [unit]), ...units]),
    programs: new Set([...(supervisor.startsWith('supervisord/') ? [id] : []), ...programs]),
  };
}

/** Who a command line starts or restarts by somebody else's hands: units and programs as they are written. */
export interface Target {
  readonly kind: 'unit' | 'program';
  readonly name: string;
}

/** All command lines in one: those in the text of a shell, and what is behind `sudo` or `flock`. */
export function linesIn(argv: readonly string[]): readonly (readonly string[])[] {
  const { argv: line } = unwrap(argv, true);
  if (!/^(?:ba|da|a|k|mk|z)?sh$/.test(basename(line[0] ?? ''))) return [line];
  const at = line.findIndex((word) => /^-[eux]*c$/.test(word));
  const text = at === -1 ? undefined : line[at + 1];
  if (text === undefined) return [line];
  return commandsIn(text).flatMap(({ words }) => {
    const inner = withoutPrefix(words);
    return inner.length === 0 ? [] : linesIn(inner);
  });
}

const SYSTEMCTL = new Set(['start', 'restart', 'try-restart', 'reload-or-restart', 'try-reload-or-restart', 'kill']);
const SUPERVISORCTL = new Set(['start', 'restart', 'signal']);
const SYSTEMCTL_VALUES = ['-H', '--host', '-M', '--machine', '-t', '--type', '-s', '--signal', '-p', '--property'];

export function targetsOf(argv: readonly string[]): readonly Target[] {
  const name = basename(argv[0] ?? '');
  if (name === 'systemctl') {
    // Its options may stand anywhere.
    const words = plainWords(argv, SYSTEMCTL_VALUES);
    const [verb = '', ...units] = words;
    return SYSTEMCTL.has(verb) ? units.map((unit) => ({ kind: 'unit', name: unitName(unit) })) : [];
  }
  if (name === 'supervisorctl') {
    const { at } = skipOptions(argv, ['-c', '--configuration', '-s', '--serverurl', '-u', '-p', '-r']);
    const [verb = '', ...programs] = argv.slice(at);
    return SUPERVISORCTL.has(verb) ? programs.map((program) => ({ kind: 'program', name: program })) : [];
  }
  const [, first = '', second = ''] = argv;
  if (name === 'service' && /^(re)?start$/.test(second)) return [{ kind: 'unit', name: unitName(first) }];
  if (/^\/etc\/init\.d\//.test(argv[0] ?? '') && /^(re)?start$/.test(first))
    return [{ kind: 'unit', name: unitName(name) }];
  return [];
}

function plainWords(argv: readonly string[], values: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (let rest = argv; rest.length > 1; ) {
    const { at } = skipOptions(rest, values);
    const word = rest[at];
    if (word === undefined) break;
    words.push(word);
    rest = rest.slice(at);
  }
  return words;
}

function unitName(written: string): string {
  return /\.[a-z]+$/.test(written) ? written : `${written}.service`;
}

/** `web`, `web:web`, `dolphin:web` and `dolphin:*` all reach the program of that name. */
export function reaches({ kind, name }: Target, { units, programs }: Names): boolean {
  if (kind === 'unit') return units.has(name);
  if (name === 'all') return programs.size > 0;
  const [group, program] = name.split(':', 2);
  for (const known of programs) {
    const [before, after] = known.split(':', 2);
    const [knownGroup, knownName] = after === undefined ? [undefined, before] : [before, after];
    if (
      program === undefined
        ? group === knownName
        : program === '*'
          ? group === (knownGroup ?? knownName)
          : program === knownName
    )
      return true;
  }
  return false;
}
