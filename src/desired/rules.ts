/** Rules about one file that a schema can't say, or that say what is not there yet. Pure. */
import { saysWhatRuns } from '../fields.ts';
import { parseDuration } from '../units.ts';
import type { Finding } from './finding.ts';
import type { ServiceFile } from './generated/service.ts';
import type { Path } from './layer.ts';

/** `broken` are the top-level keys that have findings already: nothing more is said about those. */
export function serviceRules(service: Partial<ServiceFile>, broken: ReadonlySet<string | undefined>): Finding[] {
  return [...commandRule(service, broken), ...bootRule(service), ...backoffRule(service), ...supersedesRules(service)];
}

export function hostRules(host: { readonly facts?: unknown }): Finding[] {
  return host.facts === undefined ? [] : [notYet(['facts'], 'facts', 'remove it')];
}

function notYet(path: Path, what: string, hint: string): Finding {
  return { code: 'not-supported', path, part: 'key', summary: `${what} is not supported yet`, hint };
}

function commandRule(service: Partial<ServiceFile>, broken: ReadonlySet<string | undefined>): Finding[] {
  const { command, unit, instances, state, supervisor, raw } = service;
  if (command !== undefined && unit !== undefined) {
    return [
      rule(
        ['unit'],
        'command-and-unit',
        'command and unit are both there',
        'keep one: the program to run, or the unit that runs it',
      ),
    ];
  }
  if (unit !== undefined && state === 'absent') {
    const hint = `write \`state: disabled\`, or remove this file to leave ${unit} alone`;
    const finding = rule(['state'], 'unit-absent', `${unit} belongs to others and is never removed`, hint);
    return [{ ...finding, part: 'value' }];
  }
  if (unit !== undefined && instances !== undefined) {
    return [rule(['instances'], 'unit-instances', "a unit can't have instances", 'remove instances')];
  }
  if (command !== undefined || unit !== undefined || state === 'absent') return [];
  if (['command', 'unit', 'state', 'raw'].some((key) => broken.has(key))) return [];
  if (supervisor === 'systemd' && saysWhatRuns(raw?.systemd)) return [];
  const hint = 'add `command: [/path/to/program, argument]`';
  return [rule(['command'], 'missing-key', "missing key 'command'", hint)];
}

function bootRule({ state, autostart }: Partial<ServiceFile>): Finding[] {
  if ((state !== 'stopped' && state !== 'disabled') || autostart !== true) return [];
  const hint = 'remove autostart, or write `state: running`';
  return [rule(['autostart'], 'autostart-stopped', `autostart: true contradicts state: ${state}`, hint)];
}

function backoffRule({ restart }: Partial<ServiceFile>): Finding[] {
  const { initial, max } = restart?.backoff ?? {};
  if (initial === undefined && max === undefined) return [];
  if ((parseDuration(initial ?? '1s') ?? 0) <= (parseDuration(max ?? '5m') ?? 0)) return [];
  const words = `initial (${initial ?? '1s by default'}) is more than max (${max ?? '5m by default'})`;
  const path = ['restart', 'backoff', initial === undefined ? 'max' : 'initial'];
  return [
    {
      ...rule(path, 'backoff-order', `restart.backoff: ${words}`, 'write an initial wait that is at most max'),
      part: 'value',
    },
  ];
}

/** What a host can't be without. */
export const VITAL = /^(systemd-.*|dbus(-broker)?|user@.*|getty@.*|sshd?)\.service$/;

const KINDS = ['unit', 'timer', 'program', 'process', 'cron'] as const;

/** Each names one thing, with what belongs to it and nothing else. */
function supersedesRules({ supersedes = [] }: Partial<ServiceFile>): Finding[] {
  return supersedes.flatMap((thing, i) => {
    const found = (summary: string, hint: string): Finding[] => {
      return [{ ...rule(['supersedes', i], 'bad-value', `supersedes[${i}]: ${summary}`, hint), part: 'value' }];
    };
    const kinds = KINDS.filter((kind) => thing[kind] !== undefined);
    if (kinds.length !== 1) {
      const said = kinds.length === 0 ? 'it names nothing' : `it names ${kinds.join(' and ')}`;
      return found(said, `one of ${KINDS.join(', ')} each; write a further entry for each further one`);
    }
    if (thing.program !== undefined && thing.config === undefined) {
      return found(
        'a program needs config',
        'add `config: /etc/supervisor/supervisord.conf`, the file its supervisord reads',
      );
    }
    if (thing.config !== undefined && thing.program === undefined)
      return found('config belongs to program', 'remove it');
    if (thing.unit !== undefined && VITAL.test(thing.unit)) {
      return found(
        `${thing.unit} is part of the system itself`,
        'remove it: without it nobody can log in or repair anything',
      );
    }
    if (thing.user !== undefined && thing.process === undefined) return found('user belongs to process', 'remove it');
    return [];
  });
}

function rule(path: Path, code: string, summary: string, hint: string): Finding {
  return { code, path, part: 'key', summary, hint };
}
