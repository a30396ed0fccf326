import { beganAt, type ProcessStat, statOf, variableOf } from '../../host/procfs.ts';
import type { Exit, Fields, Freshness, Run } from '../../model.ts';
import { parseStamp, STAMP } from '../../stamp.ts';
import { exitText, UNKNOWN } from '../shared/exit.ts';
import { withPermanent } from '../shared/held.ts';
import { settingsOf } from '../shared/settings.ts';
import type { MainPid } from './cgroup.ts';
import type { KnownRestarts } from './known-restarts.ts';
import type { ListedUnit, Manager, UnitProperties } from './manager.ts';

/** What a unit was made from, as far as its run state depends on it. */
export interface Made {
  readonly id: string;
  readonly unit: string;
  /** Of the definition on the host; undefined where it has none of ours. */
  readonly hash: string | undefined;
  readonly fields: Fields | undefined;
  /** When its edited files were last written (ms since the epoch): what was started later may stem from the edit. */
  readonly editedAt?: number;
}

export interface Ran {
  readonly run: Run;
  readonly restarts: number;
}

export type Listed = ReadonlyMap<string, ListedUnit>;

/** By what a run state is told. `thorough` also asks how often systemd restarted what runs, and since when it does. */
export interface Means {
  readonly manager: Manager;
  readonly listed: Listed;
  readonly mainPid: MainPid;
  readonly thorough: boolean;
  readonly known: KnownRestarts;
}

/** The run state of a unit: from the list of all and its control group where these tell enough, else asked for. */
export async function ranOf({ manager, listed, mainPid, ...means }: Means, made: Made): Promise<Ran> {
  const { thorough, known } = means;
  const unit = listed.get(made.unit);
  if (unit === undefined) return { run: { kind: 'stopped', started: false }, restarts: 0 };
  switch (unit.active) {
    case 'active':
    case 'reloading':
    case 'refreshing': {
      const pid = mainPid(made.unit) ?? (await manager.property(made.unit, 'MainPID'));
      // Since when is only looked up where it is asked for.
      const stat = thorough || made.editedAt !== undefined ? statIn(pid) : undefined;
      const restarts = thorough ? await known.of(manager, made.unit, stat) : 0;
      return { run: running('running', pid, stat, made), restarts };
    }
    default: {
      const properties = await manager.unit(made.unit);
      return { run: await runOf({ manager, listed }, properties, made), restarts: properties.service?.restarts ?? 0 };
    }
  }
}

/** The same of one unit that was just asked for whole. */
export async function runOf(
  { manager, listed }: Pick<Means, 'manager' | 'listed'>,
  properties: UnitProperties,
  made: Made,
): Promise<Run> {
  const run = withPermanent(otherRun(properties, listed, made), made.fields ?? {});
  if (run.kind !== 'stopped' || !run.byHand || !(await wentWithOthers(manager, properties))) return run;
  return { kind: 'stopped', started: run.started };
}

function otherRun(properties: UnitProperties, listed: Listed, made: Made): Run {
  const { active, sub, service, job } = properties;
  const coming: Run = { kind: 'backoff', until: Date.now(), exit: service?.exit ?? UNKNOWN };
  switch (active) {
    case 'active':
    case 'reloading':
    case 'refreshing':
      return running('running', service?.mainPid ?? 0, statIn(service?.mainPid), made);
    case 'activating':
      if (sub !== 'auto-restart' && sub !== 'auto-restart-queued' && service?.mainPid !== undefined) {
        return running('starting', service.mainPid, statIn(service.mainPid), made);
      }
      return coming;
    case 'deactivating': {
      if (job && isStarted(listed.get(made.unit))) return coming;
      const stopping = { kind: 'stopping', pid: service?.mainPid ?? 0 } as const;
      return isAsked(properties, listed.get(made.unit)) ? { ...stopping, ...whose(properties, listed) } : stopping;
    }
    default:
      if (job && isStarted(listed.get(made.unit))) return coming;
      return active === 'failed' ? failedRun(properties, listed, made) : inactiveRun(properties, listed, made);
  }
}

/** Will systemd start it without being asked again? */
function isStarted(listed: ListedUnit | undefined): boolean {
  return listed?.job === 'start' || listed?.job === 'restart';
}

function statIn(pid = 0): ProcessStat | undefined {
  return pid > 0 ? statOf(pid) : undefined;
}

function running(kind: 'running' | 'starting', pid: number, stat: ProcessStat | undefined, made: Made): Run {
  const since = stat === undefined ? Date.now() : beganAt(stat);
  return { kind, pid, since, definition: freshness(pid, since, made) };
}

/** By the stamp in the environment the main process was started with, never by its children's. */
function freshness(pid: number, since: number, { hash, fields, editedAt }: Made): Freshness {
  if (pid <= 0) return 'unknown';
  if (editedAt !== undefined && since > editedAt) return 'stale';
  const stamp = parseStamp(variableOf(pid, STAMP) ?? '');
  // A unit of others without settings of ours has no stamp; one that is there is of settings that are no more.
  const bare = fields !== undefined && Object.keys(fields).every((field) => field === 'unit');
  if (bare) return stamp === undefined ? 'current' : 'stale';
  if (stamp === undefined || hash === undefined) return 'unknown';
  return stamp.hash === hash ? 'current' : 'stale';
}

function failedRun(properties: UnitProperties, listed: Listed, made: Made): Run {
  const { service } = properties;
  const at = properties.inactiveSince ?? properties.changed ?? Date.now();
  const exit: Exit = service?.exit ?? UNKNOWN;
  const { rules } = settingsOf(made.id, made.fields ?? {}, '/');
  if (limitHit(properties)) {
    const reason = `restarted more often than ${rules.limit.restarts} times in its time, last: ${exitText(exit)}`;
    return { kind: 'held', exit, until: at + rules.cooldown, reason };
  }
  // Many programs end with an exit code of their own when they are told to.
  if (service?.stopAsked && service.result !== 'resources') return stoppedRun(properties, listed);
  // Only where Git says so: a unit of others that nobody restarts has failed all the same.
  const allowed = made.fields?.['restart.policy'] === 'never';
  if (allowed && service?.result !== 'resources' && service?.result !== 'timeout') {
    return { kind: 'exited', exit, at };
  }
  return { kind: 'fatal', exit, at, reason: reasonOf(properties) };
}

/**
 * Was it restarted as often as its limit allows? systemd says so in its result only where its process ended well; else
 * the result is that of the process.
 */
export function limitHit(unit: UnitProperties): boolean {
  const { active, service } = unit;
  if (active !== 'failed' || service === undefined) return false;
  return service.result === 'start-limit-hit' || (service.restarts > 0 && waitedInVain(unit));
}

/** It was to be restarted, and left `inactive` for that after its process had ended; but there was no new one. */
function waitedInVain({ inactiveUntil = 0, service }: UnitProperties): boolean {
  return service?.exited !== undefined && service.restart !== 'no' && inactiveUntil >= service.exited;
}

/** It has no process and has not failed; only its properties tell why. */
function inactiveRun(properties: UnitProperties, listed: Listed, made: Made): Run {
  const { service, inactiveUntil, inactiveSince, conditionsMet } = properties;
  const started = inactiveUntil !== undefined;
  if (!started || !conditionsMet) return { kind: 'stopped', started };
  const exit = service?.exit ?? UNKNOWN;
  const at = inactiveSince ?? Date.now();
  // Stopped while it waited to be restarted: it could not be started.
  if (service !== undefined && service.result !== 'success') {
    return { kind: 'fatal', exit, at, reason: reasonOf(properties) };
  }
  const policy = made.fields?.['restart.policy'] ?? service?.restart;
  const ended = exit.kind !== 'unknown' && !service?.stopAsked;
  if (policy !== 'always' && ended) return { kind: 'exited', exit, at };
  return stoppedRun(properties, listed);
}

/** Where systemd gave it up and somebody has cleared that (`reset-failed`), nobody has stopped it. */
function stoppedRun(properties: UnitProperties, listed: Listed): Run {
  const stopped = { kind: 'stopped', started: true } as const;
  return waitedInVain(properties) ? stopped : { ...stopped, ...whose(properties, listed) };
}

/** Was systemd asked to stop it, and not to start it again? The list may be older than it is stopping. */
function isAsked({ job }: UnitProperties, listed: ListedUnit | undefined): boolean {
  return listed?.active === 'deactivating' ? listed.job === 'stop' : job;
}

/** Whose doing a stop is: a unit stops with those it requires or is part of, and that is no intervention in it. */
function whose(unit: UnitProperties, listed: Listed): { readonly byHand?: true; readonly stoppedWith?: string } {
  const others = othersOf(unit);
  const stopped = others.find((name) => isStopped(listed.get(name)));
  if (stopped !== undefined) return { stoppedWith: stopped };
  return others.every((name) => UP.has(listed.get(name)?.active ?? '')) ? { byHand: true } : {};
}

/** The units with which it stops. */
function othersOf({ requires, requisite, bindsTo, partOf }: UnitProperties): readonly string[] {
  return [...requires, ...requisite, ...bindsTo, ...partOf];
}

/** ms. What stops together does so within that time, whichever is first. */
const TOGETHER = 1000;

/** Was one of those stopped with it or later, and started again since it has come to rest? */
async function wentWithOthers(manager: Manager, unit: UnitProperties): Promise<boolean> {
  const { activeUntil, inactiveSince } = unit;
  if (activeUntil === undefined || inactiveSince === undefined) return false;
  const names = othersOf(unit).filter((name) => !name.endsWith('.slice'));
  const others = await Promise.all(names.map((name) => manager.unit(name)));
  return others.some(
    (other) => (other.activeUntil ?? 0) >= activeUntil - TOGETHER && (other.inactiveUntil ?? 0) >= inactiveSince,
  );
}

const UP: ReadonlySet<string> = new Set(['active', 'activating', 'reloading', 'refreshing']);

/** By request: what has failed is worth another try. */
function isStopped(unit: ListedUnit | undefined): boolean {
  if (unit === undefined || (unit.load !== 'loaded' && unit.load !== 'masked')) return false;
  return unit.job === 'stop' || (unit.job === undefined && unit.active === 'inactive');
}

/** Words for systemd's `Result` (systemd.exec(5), $SERVICE_RESULT). */
const RESULTS: Readonly<Record<string, string>> = {
  resources: 'systemd could not set it up',
  timeout: 'it did not start or stop in time',
  watchdog: 'it did not answer its watchdog in time',
  'oom-kill': 'it was killed for lack of memory',
  protocol: 'it did not tell systemd that it is ready',
  'exec-condition': 'a condition of its own kept it from starting',
};

/** Exit codes by which systemd tells what it could not do before the program ran (systemd.exec(5), "Process Exit Codes"). */
const CODES: Readonly<Record<number, string>> = {
  200: 'its directory could not be entered',
  203: 'its command could not be executed',
  208: 'its standard input could not be set up',
  209: 'its log could not be opened',
  216: 'its group does not exist or could not be taken',
  217: 'its user does not exist or could not be taken',
  226: 'its sandbox could not be set up',
};

/** Does it say that systemd could not even run the command, as things are? */
export function isHopelessCode(exit: Exit | undefined): boolean {
  return exit?.kind === 'code' && CODES[exit.code] !== undefined;
}

/** Why it does not run, in words. */
export function reasonOf({ service, loadError }: UnitProperties): string {
  const exit = service?.exit ?? UNKNOWN;
  if (loadError !== undefined) return `systemd can't load it: ${loadError}`;
  const known = exit.kind === 'code' ? CODES[exit.code] : undefined;
  if (known !== undefined) return `${known} (exit code ${exit.kind === 'code' ? exit.code : ''})`;
  return RESULTS[service?.result ?? ''] ?? exitText(exit);
}
