import { saysWhatRuns } from '../../fields.ts';
import type { Service } from '../../model.ts';
import { writtenFields } from '../fields.ts';
import { whyNotPlain } from './escape.ts';
import { isLive } from './live.ts';
import type { Refuse } from './refusals.ts';
import type { Line, Section } from './unit-text.ts';

const SECTIONS: readonly string[] = ['Unit', 'Service', 'Install'] satisfies readonly Section[];

/** The field that has the word for a directive: where both are written, nobody could say which is meant. */
const SAID_BY: Readonly<Record<string, string>> = {
  'Unit.Description': 'description',
  'Unit.StartLimitBurst': 'restart.limit.restarts',
  'Unit.StartLimitIntervalSec': 'restart.limit.within',
  'Service.User': 'user',
  'Service.UMask': 'umask',
  'Service.WorkingDirectory': 'directory',
  'Service.KillSignal': 'stop.signal',
  'Service.TimeoutStopSec': 'stop.timeout',
  'Service.KillMode': 'stop.tree',
  'Service.Restart': 'restart.policy',
  'Service.RestartSec': 'restart.backoff.initial',
  'Service.RestartSteps': 'restart.backoff.factor',
  'Service.RestartMaxDelaySec': 'restart.backoff.max',
  'Service.LimitAS': 'limits.addressSpace',
  'Service.LimitNOFILE': 'limits.openFiles',
  'Service.LimitNPROC': 'limits.processes',
  'Service.LimitCORE': 'limits.core',
  'Service.LimitFSIZE': 'limits.fileSize',
  'Service.LimitMEMLOCK': 'limits.lockedMemory',
  'Service.LimitSTACK': 'limits.stack',
  'Service.StandardOutput': 'logs.stdout',
  'Service.StandardError': 'logs.stderr',
};

type RawLine = readonly [section: string, key: string, value: string | number | boolean];

/** Lines of `raw.systemd` as they stand in the unit, in the order they were written. */
export function rawLines(service: Service): Line[] {
  // The schema has checked them; the types made from it don't know such lists.
  const written = (service.written.raw?.systemd ?? []) as unknown as readonly RawLine[];
  return written.map(([section, key, value]) => [section as Section, key, String(value)]);
}

/** Does its unit run something that no `command` says? Then its raw lines are all that is said of that. */
export function runsByRaw({ written }: Service): boolean {
  return written.command === undefined && saysWhatRuns(written.raw?.systemd);
}

/**
 * The service with its raw lines as two fields: `raw.systemd` holds those that a new process is needed for,
 * `raw.systemd.live` the others. Lines of one directive are always in the same field.
 */
export function withRawSplit(service: Service): Service {
  const lines = rawLines(service);
  if (lines.length === 0) return service;
  const live = ([section, key]: Line) => isLive(section, key);
  const raw = {
    ...service.written.raw,
    systemd: lines.filter((line) => !live(line)),
    'systemd.live': lines.filter(live),
  };
  return { ...service, written: { ...service.written, raw: raw as unknown as NonNullable<Service['written']['raw']> } };
}

/** Lines that can't be written as they stand, and those that would undo what makes the unit ours. */
export function checkRaw(service: Service, refuse: Refuse): void {
  const lines = rawLines(service);
  if (lines.length === 0) return;
  const fields = writtenFields(service);
  lines.forEach(([section, key, value], i) => {
    const no = (summary: string, hint: string) => refuse(`raw.systemd.${i}`, summary, hint);
    const name = `${section}.${key}`;
    const said = name === 'Service.Group' && service.written.user?.includes(':') ? 'user' : SAID_BY[name];
    // An even number of them stands for itself.
    const continued = /(?<!\\)(\\\\)*\\$/.test(value);
    const unwritable = whyNotPlain(value) ?? (continued ? 'ends in a backslash' : undefined);
    if (!SECTIONS.includes(section)) {
      no(`there is no section [${section}] for it`, 'Unit, Service and Install are passed through');
    } else if (section === 'Install' && service.written.unit !== undefined) {
      no('systemd takes no [Install] lines for a unit of others', 'leave it out');
    } else if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(key)) {
      no(`'${key}' is no name of a directive`, 'write [section, name, value]');
    } else if (unwritable !== undefined) {
      no(`its value ${unwritable}`, 'write it as it stands on one line of a unit file');
    } else if (name === 'Service.ExecStart' && service.written.command !== undefined) {
      no('ExecStart is what `command` says', 'keep one; what runs before or after it is ExecStartPre, ExecStopPost');
    } else if (said !== undefined && said in fields) {
      no(`${key} is what \`${said}\` says already`, 'keep one of them');
    } else if (name === 'Service.Environment' && value.trim() === '') {
      no('it would take away the environment that tells what runs', 'declare what is needed as `environment`');
    } else if (
      /^Service\.(Unset)?Environment$/.test(name) &&
      /RECONCILED_(DEFINITION|INSTANCE|SUPERVISOR)\b/.test(value)
    ) {
      no('its variables of the form RECONCILED_… tell what runs', 'leave them as they are');
    } else if (name === 'Service.Type' && value.trim() === 'oneshot' && service.state === 'running') {
      no('a job that ends cannot be kept running', 'write `state: manual` and let a timer start it');
    }
  });
}
