import { join } from 'node:path';
import type { Json } from '../../canonical.ts';
import type { Probe } from '../../health/health.ts';
import { probesOf } from '../../health/parse.ts';
import type { Fields, ServiceId } from '../../model.ts';
import type { Pace } from '../../restarts/account.ts';

/** How a service is kept running. All times in milliseconds. */
export interface Rules extends Pace {
  readonly retries: number;
  readonly stopTimeout: number;
  readonly policy: 'always' | 'on-failure' | 'never';
  /** Exit codes that no restart can heal. */
  readonly permanent: readonly number[];
}

/** How one service is run: its definition with every default filled. Times in milliseconds, sizes in bytes. */
export interface Settings {
  readonly command: readonly string[];
  readonly directory: string;
  /** As written; undefined: the user of the supervisor. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly umask: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly environmentFiles: readonly string[];
  /** What prlimit calls them. */
  readonly limits: Readonly<Record<string, number>>;
  readonly logs: Logs;
  readonly stop: { readonly signal: NodeJS.Signals; readonly tree: boolean };
  readonly startTimeout: number;
  /** What fails so soon after its process began is no failure of its probes, until they have passed once. */
  readonly grace: number;
  readonly rules: Rules;
  readonly probes: readonly Probe[];
}

export interface Logs {
  readonly stdout: string;
  readonly stderr: string;
  readonly maxSize: number;
  readonly keep: number;
  /** Somebody said where its output goes. */
  readonly written: boolean;
}

/** Fields of the schema, by prlimit's option. */
const LIMITS: Readonly<Record<string, string>> = {
  as: 'limits.addressSpace',
  nofile: 'limits.openFiles',
  nproc: 'limits.processes',
  core: 'limits.core',
  fsize: 'limits.fileSize',
  memlock: 'limits.lockedMemory',
  stack: 'limits.stack',
};

/** The settings of a definition: all that is needed to start a service, and to do so again without Git. */
export function settingsOf(id: ServiceId, fields: Fields, logDir: string): Settings {
  const text = (field: string) => fields[field] as string | undefined;
  const number = (field: string, otherwise: number) => (fields[field] as number | undefined) ?? otherwise;
  const directory = text('directory') ?? '/';
  const [user, group] = text('user')?.split(':') ?? [];
  return {
    command: (fields.command as readonly string[] | undefined) ?? [],
    directory,
    user,
    group,
    umask: text('umask') ?? '022',
    environment: below(fields, 'environment.'),
    environmentFiles: ((fields.environmentFiles as readonly (readonly Json[])[] | undefined) ?? []).map(([path]) =>
      String(path),
    ),
    limits: Object.fromEntries(
      Object.entries(LIMITS).flatMap(([option, field]) => (field in fields ? [[option, number(field, 0)]] : [])),
    ),
    logs: {
      stdout: logPath(id, text('logs.stdout'), directory, join(logDir, `${id}.log`)),
      stderr: logPath(id, text('logs.stderr'), directory, join(logDir, `${id}-error.log`)),
      maxSize: number('logs.maxSize', 50_000_000),
      keep: number('logs.keep', 10),
      written: 'logs.stdout' in fields || 'logs.stderr' in fields,
    },
    stop: {
      signal: `SIG${text('stop.signal') ?? 'TERM'}` as NodeJS.Signals,
      tree: (fields['stop.tree'] as boolean | undefined) ?? true,
    },
    startTimeout: number('start.timeout', 60_000),
    grace: number('start.grace', 0),
    rules: {
      ready: number('start.ready', 1000),
      retries: number('start.retries', 3),
      stopTimeout: number('stop.timeout', 10_000),
      policy: (text('restart.policy') as Rules['policy'] | undefined) ?? 'always',
      permanent: (fields['restart.permanentExitCodes'] as readonly number[] | undefined) ?? [],
      backoff: {
        initial: number('restart.backoff.initial', 1000),
        factor: number('restart.backoff.factor', 2),
        max: number('restart.backoff.max', 300_000),
      },
      limit: {
        restarts: number('restart.limit.restarts', 5),
        within: number('restart.limit.within', 600_000),
      },
      cooldown: number('restart.cooldown', 300_000),
    },
    probes: probesOf(fields.health),
  };
}

function below(fields: Fields, prefix: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith(prefix)) found[field.slice(prefix.length)] = String(value);
  }
  return found;
}

/** Instances of one service must not write to one file: `api.log` of `api@2` is `api-2.log`. */
function logPath(id: ServiceId, written: string | undefined, directory: string, otherwise: string): string {
  if (written === undefined) return otherwise;
  const path = written.startsWith('/') ? written : join(directory, written);
  const instance = id.split('@')[1];
  if (instance === undefined || path.startsWith('/dev/')) return path;
  return path.replace(/(\.[^./]*)?$/, (extension) => `-${instance}${extension}`);
}
