import { resolve } from 'node:path';
import type { Fields, ServiceId } from '../../model.ts';
import { STAMP, SUPERVISOR } from '../../stamp.ts';
import { BASE_PATH } from '../shared/environment.ts';
import { type Context, DIRECTIVES } from './directives.ts';
import { quoteAssignment } from './escape.ts';
import { unitOfId } from './names.ts';
import type { Line } from './unit-text.ts';

/** What a unit is made of besides its fields. */
export interface Surroundings extends Pick<Context, 'manager' | 'version' | 'template'> {
  /** What marks its process, with `%i` for the instance of a template. */
  readonly stamp: string;
  /** The services it is started after and stopped before. */
  readonly after: readonly ServiceId[];
}

const BACKOFF: Fields = {
  'restart.backoff.initial': 1000,
  'restart.backoff.factor': 2,
  'restart.backoff.max': 300_000,
};

/** What the schema promises where nothing is written, and systemd's own default is another or depends on the host. */
const DEFAULTS: Fields = {
  ...BACKOFF,
  directory: '/',
  umask: '022',
  'environment.PATH': BASE_PATH,
  'environment.LANG': 'C.UTF-8',
  'stop.timeout': 10_000,
  'restart.policy': 'always',
  'restart.limit.restarts': 5,
  'restart.limit.within': 600_000,
};

/** The lines of a unit of ours, every default filled in. `name` is for people, where there is no description. */
export function unitLines(name: string, fields: Fields, around: Surroundings): Line[] {
  // With a user systemd sets HOME, USER, LOGNAME and SHELL; a user manager has them.
  const user: Fields = around.manager === 'system' ? { user: 'root' } : {};
  return [
    // A program that can't be executed fails the start, where Type=simple would call it started.
    ['Service', 'Type', 'exec'],
    ...linesOf({ description: `${name} (reconciled)`, ...DEFAULTS, ...user, ...fields }, fields, around),
    ['Install', 'WantedBy', around.manager === 'system' ? 'multi-user.target' : 'default.target'],
  ];
}

/** The lines of a drop-in for a unit of others: what was written and nothing else. */
export function dropInLines(fields: Fields, around: Surroundings): Line[] {
  const backoff = Object.keys(BACKOFF).some((field) => field in fields) ? BACKOFF : {};
  return linesOf({ ...backoff, ...fields }, fields, around);
}

function linesOf(fields: Fields, written: Fields, around: Surroundings): Line[] {
  const directory = resolve('/', String(fields.directory ?? '/'));
  const context: Context = { ...around, directory, fields, written };
  return [
    ...(around.after.length === 0 ? [] : [['Unit', 'After', around.after.map(unitOfId).join(' ')] satisfies Line]),
    ...Object.entries(DIRECTIVES).flatMap(([field, render]) => {
      const value = fields[field];
      return value === undefined ? [] : render(value, context);
    }),
    ...environmentLines(fields, around),
  ];
}

/** What is declared, and what marks the process: last, so that nothing declared hides it. */
function environmentLines(fields: Fields, { stamp, template }: Surroundings): Line[] {
  const declared = Object.entries(fields)
    .filter(([field]) => field.startsWith('environment.'))
    .map(([field, value]) => quoteAssignment(field.slice('environment.'.length), String(value)));
  const marks = [`${STAMP}=${stamp}`, `${SUPERVISOR}=systemd`, ...(template ? ['RECONCILED_INSTANCE=%i'] : [])];
  return [...declared, ...marks].map((assignment) => ['Service', 'Environment', assignment]);
}
