import { join, resolve } from 'node:path';
import type { Json } from '../canonical.ts';
import type { Option } from '../supervisors/supervisord/ini.ts';
import type { Log, Process, Program } from '../supervisors/supervisord/programs.ts';
import { formatSize } from '../units.ts';

export interface LogsOf {
  /** Empty where all is as it is by default. */
  readonly logs: Readonly<Record<string, Json>>;
  /** Lines of the section, by option. */
  readonly raw: ReadonlyMap<string, string | number | boolean>;
  /** Options that can't be said, and why. */
  readonly lost: readonly (readonly [option: string, why: string])[];
  /** Options that had no effect, and why. */
  readonly idle: readonly (readonly [option: string, because: string])[];
}

export interface LogsAround {
  readonly name: string;
  readonly cwd: string;
  readonly logDir: string;
  readonly isListener: boolean;
  /** What is written, in its section or for all. */
  readonly optionOf: (name: string) => Option | undefined;
}

/** What `logs` is without a word: see settings.ts of the supervisors. */
const SIZE = 50_000_000;
const KEEP = 10;
const OF_STDERR = [
  'stderr_logfile',
  'stderr_logfile_maxbytes',
  'stderr_logfile_backups',
  'stderr_syslog',
  'stderr_capture_maxbytes',
  'stderr_events_enabled',
];
/** The most that the schema takes. */
const MOST = 10_000;

/** Where the output of a process goes; `name` is its service's, for a file of its own where none is named. */
export function logsOf(
  { options }: Program,
  { stdout, stderr }: Process,
  { name, cwd, logDir, optionOf, isListener }: LogsAround,
): LogsOf {
  const lost: [string, string][] = [];
  const idle: [string, string][] = [];
  const raw = new Map<string, string | number | boolean>();
  const redirected = options.redirect_stderr;
  const said = (log: Log) => pathOf(log, cwd);
  const out = said(stdout) ?? (redirected ? join(logDir, `${name}.log`) : undefined);
  const err = redirected ? out : said(stderr);
  if (redirected) {
    for (const option of OF_STDERR)
      if (!isNothing(optionOf(option)?.value ?? '')) idle.push([option, 'with redirect_stderr nothing comes that way']);
  }
  const files = [...(isFile(out) ? [stdout] : []), ...(isFile(err) && !redirected ? [stderr] : [])];
  for (const [stream, path, log] of [['stdout', out, stdout] as const, ['stderr', err, stderr] as const]) {
    if (path === undefined || isFile(path) || (stream === 'stderr' && redirected)) continue;
    if (optionOf(`${stream}_logfile_maxbytes`) !== undefined && log.logfile_maxbytes > 0 && log.logfile !== 'NONE')
      lost.push([
        `${stream}_logfile_maxbytes`,
        `${path} is no file that could be rotated: supervisord would fail at it`,
      ]);
  }
  const [first, second] = files.map(sizesOf);
  const [maxSize, keep] = first ?? [SIZE, KEEP];
  if (second !== undefined) {
    const told = isListener || options.stderr_capture_maxbytes > 0 || options.stderr_events_enabled || stderr.syslog;
    const same = out !== undefined && out === err && !told;
    if (second[0] !== maxSize) {
      if (same) lost.push(['stderr_logfile_maxbytes', 'both outputs go to one file, which has one size']);
      else raw.set('stderr_logfile_maxbytes', second[0]);
    }
    if (second[1] !== keep) {
      if (same) lost.push(['stderr_logfile_backups', 'both outputs go to one file, which is kept so many times']);
      else raw.set('stderr_logfile_backups', second[1]);
    }
  }
  if (keep > MOST)
    lost.push([`${files[0] === stdout ? 'stdout' : 'stderr'}_logfile_backups`, `${MOST} are kept at most`]);
  const logs = {
    ...(out === undefined ? {} : { stdout: out }),
    ...(err === undefined ? {} : { stderr: err }),
    ...(maxSize === SIZE ? {} : { maxSize: formatSize(maxSize) }),
    ...(keep === KEEP ? {} : { keep: Math.min(keep, MOST) }),
  };
  return { logs, raw, lost, idle };
}

/** Undefined where supervisord makes one up. */
function pathOf({ logfile }: Log, cwd: string): string | undefined {
  if (logfile === 'AUTO') return undefined;
  return logfile === 'NONE' ? '/dev/null' : resolve(cwd, logfile);
}

/** One that nobody named is a file. */
function isFile(path: string | undefined): boolean {
  return !path?.startsWith('/dev/');
}

/** Nothing below 0 ever is reached or kept. */
function sizesOf({ logfile_maxbytes, logfile_backups }: Log): readonly [maxSize: number, keep: number] {
  return [Math.max(0, logfile_maxbytes), Math.max(0, logfile_backups)];
}

/** What says that there is nothing. */
function isNothing(value: string): boolean {
  return /^(|none|off|auto|no|false|0)$/i.test(value);
}
