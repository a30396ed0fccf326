import { beganAt } from '../../host/procfs.ts';
import type { Exit, Freshness, Run } from '../../model.ts';
import { parseStamp } from '../../stamp.ts';
import type { Settings } from '../shared/settings.ts';
import type { Child } from './children.ts';
import type { ProgramFile } from './program-text.ts';
import type { ProcessInfo } from './rpc.ts';

/** supervisord's process states (supervisor.states.ProcessStates). */
export const STATE = {
  stopped: 0,
  starting: 10,
  running: 20,
  backoff: 30,
  stopping: 40,
  exited: 100,
  fatal: 200,
} as const;

/** What supervisord would start next, as far as its file is there. */
export interface Defined {
  readonly file: ProgramFile;
  /** Somebody has changed the file, at this time (ms since the epoch). */
  readonly editedAt?: number;
}

/** Of what has a process, its own environment tells what it was started from, and its age whether it is up yet. */
export function runOfChild(child: Child, defined: Defined | undefined): Run {
  const since = beganAt(child);
  const kind = Date.now() - since < (defined?.file.startsecs ?? 0) ? 'starting' : 'running';
  return { kind, pid: child.pid, since, definition: freshness(child, since, defined) };
}

function freshness(child: Child, since: number, defined: Defined | undefined): Freshness {
  const stamp = parseStamp(child.stamp ?? '');
  if (stamp === undefined || defined === undefined) return 'unknown';
  const { file, editedAt } = defined;
  // What it was started from may be what somebody wrote.
  if (editedAt !== undefined && since > editedAt) return 'stale';
  if (stamp.hash !== file.hash) return 'stale';
  return child.settings === undefined || child.settings === file.settings ? 'current' : 'staged';
}

export type Policy = Settings['rules']['policy'];

/** ms. supervisord restarts what has ended within a second; its times are whole seconds. */
const PAUSE = 3000;

/** Of what has no process, supervisord has to be asked. `undefined`: it is in no file that supervisord has loaded. */
export function runOfInfo(info: ProcessInfo | undefined, policy: Policy): Run {
  // Its file is there, and so somebody took it out of supervisord by hand, or nobody has told supervisord of it yet.
  if (info === undefined) return { kind: 'stopped', started: true, byHand: true };
  const at = (info.stop || info.now) * 1000;
  switch (info.state) {
    case STATE.starting:
    case STATE.running:
      // It has ended or begun since /proc was looked at.
      return {
        kind: info.state === STATE.running ? 'running' : 'starting',
        pid: info.pid,
        since: info.start * 1000,
        definition: 'unknown',
      };
    case STATE.backoff:
      return { kind: 'backoff', until: Date.now() + 1000, exit: exitOf(info) };
    case STATE.stopping:
      return { kind: 'stopping', pid: info.pid, byHand: true };
    case STATE.exited: {
      // Between an end and the restart that follows lies up to a second, in which supervisord looks at nothing.
      const again = policy === 'always' || (policy === 'on-failure' && info.exitstatus !== 0);
      if (again && Date.now() - at < PAUSE) return { kind: 'backoff', until: at + PAUSE, exit: exitOf(info) };
      return { kind: 'exited', exit: exitOf(info), at };
    }
    case STATE.fatal:
      return { kind: 'fatal', exit: exitOf(info), at, reason: reasonOf(info) };
    default:
      // A stop is by request alone; what was never started since supervisord began was not stopped either.
      return info.start > 0 ? { kind: 'stopped', started: true, byHand: true } : { kind: 'stopped', started: false };
  }
}

/** supervisord keeps an exit code, but not which signal ended a process: that is told as -1. */
export function exitOf({ state, exitstatus }: ProcessInfo): Exit {
  if (state !== STATE.exited || exitstatus < 0) return { kind: 'unknown' };
  return { kind: 'code', code: exitstatus };
}

/** Why it does not run, in words. */
export function reasonOf({ spawnerr, state }: ProcessInfo): string {
  if (spawnerr.startsWith('Exited too quickly')) return 'it ended before it was up for start.ready, each time';
  if (spawnerr !== '') return spawnerr;
  return state === STATE.fatal ? 'supervisord gave it up' : 'it does not run';
}

/** It has a process, or is about to. */
export function isUp({ state }: Pick<ProcessInfo, 'state'>): boolean {
  return state === STATE.starting || state === STATE.running || state === STATE.backoff;
}

/** Does a process stem from exactly this definition, settings and all? */
export function isCurrent(child: Child | undefined, hash: string, settings: string): boolean {
  return child !== undefined && parseStamp(child.stamp ?? '')?.hash === hash && child.settings === settings;
}
