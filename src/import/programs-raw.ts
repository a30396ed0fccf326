import { constants } from 'node:os';
import type { Json } from '../canonical.ts';
import { expanded } from '../supervisors/supervisord/escape.ts';
import type { Option } from '../supervisors/supervisord/ini.ts';
import type { Group } from '../supervisors/supervisord/native-groups.ts';
import type { Process, Program } from '../supervisors/supervisord/programs.ts';
import { PASSED, type SectionKind } from '../supervisors/supervisord/raw-options.ts';

/** Signals that `stop.signal` has a word for. */
const SIGNALS = ['TERM', 'HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2'];

/** The word of the schema for a signal; undefined where it has none. */
export function signalWord(number: number): string | undefined {
  return SIGNALS.find((word) => constants.signals[`SIG${word}` as NodeJS.Signals] === number);
}

export interface RawAround {
  readonly group: Group;
  /** By itself (see programs-order.ts). */
  readonly priority: number;
  /** Lines that its logs add. */
  readonly logs: ReadonlyMap<string, string | number | boolean>;
  /** What is written, in its section or for all, in its order. */
  readonly written: readonly Option[];
  /** The value of an option with its variables in place. */
  readonly textOf: (name: string) => string | undefined;
}

/** Lines of the section for which the schema has no word, in the order they were written in. */
export function rawLinesOf({ options }: Program, process: Process, around: RawAround): readonly Json[] {
  const { group, priority, logs, written, textOf } = around;
  const lines = new Map<string, readonly [section: SectionKind, value: string | number | boolean]>();
  const say = (option: string, value: string | number | boolean) => lines.set(option, ['program', value]);

  if (priority !== (group.kind === 'eventlistener' ? -1 : 999)) say('priority', priority);
  const { exitcodes } = options;
  if (exitcodes.length !== 1 || exitcodes[0] !== 0) say('exitcodes', exitcodes.join(','));
  if (signalWord(options.stopsignal) === undefined) say('stopsignal', options.stopsignal);
  if (options.killasgroup && !options.stopasgroup) say('killasgroup', true);
  for (const stream of ['stdout', 'stderr'] as const) {
    if (stream === 'stderr' && options.redirect_stderr) continue;
    const size = options[`${stream}_capture_maxbytes`];
    if (size > 0) say(`${stream}_capture_maxbytes`, size);
    if (options[`${stream}_events_enabled`]) say(`${stream}_events_enabled`, true);
    if (process[stream].syslog) say(`${stream}_syslog`, true);
  }
  for (const [option, value] of logs) say(option, value);
  if (group.kind === 'eventlistener' || kindOf(group) === 'fcgi-program') {
    const kind = kindOf(group);
    for (const option of Object.keys(PASSED[kind])) {
      const value = textOf(option);
      if (value !== undefined) lines.set(option, [kind, plain(option, value)]);
    }
  }
  const order = (name: string) => {
    const at = written.findIndex((option) => option.name === name);
    return at === -1 ? written.length : at;
  };
  return [...lines].sort(([a], [b]) => order(a) - order(b)).map(([option, [kind, value]]) => [kind, option, value]);
}

/** A program of a group is of one of two kinds. */
export function kindOf({ kind }: Group): SectionKind {
  return kind === 'group' ? 'program' : kind;
}

/** As it stands in a section; of an old version's blanks and numbers nothing is left. */
function plain(option: string, value: string): string {
  switch (option) {
    case 'events':
      return value
        .split(',')
        .map((event) => event.trim().toUpperCase())
        .join(',');
    case 'buffer_size':
    case 'socket_backlog':
      return value.trim().replace(/^\+/, '').replaceAll('_', '');
    case 'socket_mode':
      return value
        .trim()
        .replace(/^0[oO]/, '0')
        .padStart(4, '0');
    default:
      return expanded(value);
  }
}
