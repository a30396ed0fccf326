import { setTimeout as sleep } from 'node:timers/promises';
import { isForReadiness } from '../../health/health.ts';
import { tryTarget } from '../../health/probes.ts';
import { dead, lives, type ProcessRef, statOf } from '../../host/procfs.ts';
import type { Outcome, Service, ServiceId, Touch } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { runAs } from './run-as.ts';
import type { Settings } from './settings.ts';

/** ms. How long a command may take by which a service reads its settings anew: as long as systemd lets it. */
export const RELOAD_LIMIT = 90_000;

/** Why a service was not touched, in words. */
export function untouched({ kind }: Touch, id: ServiceId, because: string, code = 'touch-failed'): Problem {
  return { code, summary: `cannot ${kind} ${id}: ${because}` };
}

/** That nothing says how a service is to read its settings anew. */
export function noReload({ id, file, written }: Service): Problem {
  return {
    code: 'no-reload',
    summary: `cannot reload ${id}: nothing says how it reads its settings anew`,
    file,
    hint:
      written.unit === undefined
        ? `write \`reload: { signal: HUP }\` or \`reload: { command: [...] }\` in ${file}, or give it a new process: reconcile restart ${id}`
        : `${written.unit} has no ExecReload=: write \`reload\` in ${file}, or give it a new process: reconcile restart ${id}`,
  };
}

/** How the three of them are alike: where systemd has no part in it, whoever is asked signals, or runs the command. */
export async function touchBy(
  service: Service,
  settings: Settings,
  touch: Touch,
  main: ProcessRef,
  signalTo: (signal: NodeJS.Signals) => Promise<void>,
  abort: AbortSignal,
): Promise<Outcome> {
  const { id, written } = service;
  const fail = (because: string): Outcome => ({ kind: 'failed', problem: untouched(touch, id, because) });
  if (touch.kind === 'signal') {
    await signalTo(touch.signal);
    return { kind: 'done', pid: main.pid };
  }
  const { signal, command } = written.reload ?? {};
  if (signal !== undefined) await signalTo(`SIG${signal}`);
  else if (command === undefined) return { kind: 'failed', problem: noReload(service) };
  else {
    const because = await runCommand(id, settings, command, main, abort);
    if (because !== undefined) return fail(`its command: ${because}`);
  }
  return { kind: 'done', pid: main.pid };
}

async function runCommand(
  id: ServiceId,
  settings: Settings,
  command: readonly string[],
  { pid }: ProcessRef,
  abort: AbortSignal,
): Promise<string | undefined> {
  try {
    const as = await runAs(id, settings);
    const environment = { ...as.environment, MAINPID: String(pid) };
    return await tryTarget({ kind: 'exec', command }, { ...as, environment }, { timeout: RELOAD_LIMIT, pid }, abort);
  } catch (error) {
    return why(error);
  }
}

/** ms. What does not expect a signal ends at once. */
const WATCHED = 300;
const LOOK = 10;

/** Does this very process live on, now that it was told something? */
export async function livesOn(main: ProcessRef, abort: AbortSignal): Promise<boolean> {
  for (let waited = 0; waited < WATCHED && !abort.aborted; waited += LOOK) {
    if (!lives(main)) return false;
    await sleep(LOOK);
  }
  return lives(main);
}

/** ms. */
const AGAIN = 250;

/** Waits until what has to pass before it counts as ready passes; why it does not, where it never does. */
export async function passesAgain(
  id: ServiceId,
  settings: Settings,
  pid: number,
  abort: AbortSignal,
): Promise<string | undefined> {
  const probes = settings.probes.filter(
    (probe) => isForReadiness(probe) && probe.target.kind !== 'progress' && probe.target.kind !== 'process',
  );
  if (probes.length === 0) return undefined;
  const as = await runAs(id, settings);
  const end = Date.now() + settings.startTimeout;
  for (const { name, target, timeout } of probes) {
    if (target.kind === 'progress' || target.kind === 'process') continue;
    for (;;) {
      const failure = await tryTarget(target, as, { timeout, pid }, abort);
      if (failure === undefined) break;
      if (abort.aborted || Date.now() > end) return `probe ${name}: ${failure}`;
      await sleep(AGAIN, undefined, { signal: abort }).catch(() => {});
    }
  }
  return undefined;
}

/** Sends a signal to this very process and does nothing else, whatever state it is in. */
export function sendTo({ pid, start }: ProcessRef, signal: NodeJS.Signals): 'sent' | 'gone' | 'denied' {
  const stat = statOf(pid);
  if (stat === undefined || stat.start !== start || dead(stat)) return 'gone';
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'denied' : 'gone';
  }
}

/** The same to all of these, the first of which has to be there. Throws why not. */
export function sendToAll(processes: readonly ProcessRef[], signal: NodeJS.Signals): void {
  for (const [i, each] of processes.entries()) {
    const sent = sendTo(each, signal);
    if (sent === 'denied') throw new Error(`its process ${each.pid} may not be signalled by this user`);
    if (sent === 'gone' && i === 0) throw new Error(`its process ${each.pid} is gone`);
  }
}
