import { setTimeout as sleep } from 'node:timers/promises';
import { listPids, lives, type ProcessRef, type ProcessStat, statOf, variableOf } from '../../host/procfs.ts';
import { Failure } from '../../problem.ts';
import { STAMP } from '../../stamp.ts';
import { nameOfThing } from '../../thing.ts';
import { endTree } from '../shared/ending.ts';
import { lineOf, treeOf } from '../shared/process-tree.ts';
import type { Ending } from '../taker.ts';
import { unless } from './fault.ts';
import { createClient, createSupervisord, type ProcessInfo, type Supervisord } from './rpc.ts';
import { isUp, reasonOf, STATE } from './runs.ts';
import { fullNames, mainOf, mainsOf, type ProgramThing, type Reached, type Sought, whyNotAsked } from './taker-find.ts';

/** These and all that descends from them, now, but what a declared service has started. */
export function treeBelow(mains: readonly ProcessRef[], supervisord: number | undefined): readonly ProcessRef[] {
  const table = listPids().flatMap((pid): ProcessStat | [] => statOf(pid) ?? []);
  const line = lineOf(table, process.pid);
  const main = new Set(mains.map(({ pid }) => pid));
  // What supervisord itself was started with goes to all that it starts.
  const inherited = supervisord === undefined ? undefined : variableOf(supervisord, STAMP);
  const isOfService = (pid: number) => {
    const stamp = variableOf(pid, STAMP);
    return stamp !== undefined && stamp !== inherited && !main.has(pid);
  };
  const tree = treeOf(table, mains, ({ pid }) => line.has(pid) || isOfService(pid));
  return tree.map(({ pid, start }) => ({ pid, start }));
}

/** Has supervisord stop it, ends what that leaves of its tree, and proves that all of it is gone. Throws why not. */
export async function stopProgram(
  thing: ProgramThing,
  sought: Sought,
  { place, presence }: Reached,
  timeout: number,
  signal: AbortSignal,
): Promise<Ending> {
  const cannot = `cannot stop ${nameOfThing(thing)}`;
  const because = whyNotAsked(thing.config, presence);
  if (because !== undefined) throw failure(`${cannot}: ${because}`, 'see to that supervisord first');
  if (presence.kind !== 'up') return { kind: 'gone' };
  using rpc = createSupervisord(createClient(place.address));
  const infos = await infosOf(rpc, sought);
  const told = infos.flatMap((info) => mainOf(info, presence.pid) ?? []);
  const mains = [...new Map([...mainsOf(presence, sought), ...told].map((main) => [main.pid, main])).values()];
  const above = mains.find(({ pid }) => isAbove(pid));
  if (above !== undefined) {
    const hint = 'run it from somewhere else';
    throw failure(`${cannot}: this reconcile was started by it (process ${above.pid})`, hint);
  }
  const tree = treeBelow(mains, presence.pid);
  for (const info of infos.filter(isUp)) await rpc.stopProcess(nameOf(info)).catch(unless('NOT_RUNNING', 'BAD_NAME'));
  const end = await endTree(mains, {
    // What was there before the stop is looked for as well: its parents may be gone.
    collect: (known) => treeBelow([...known, ...tree], presence.pid),
    // It ends what it started itself, as it was told to in its configuration; the rest is left to us.
    mayAsk: () => !mains.some(lives),
    timeout,
    signal,
  });
  switch (end.kind) {
    case 'interrupted':
      throw failure(`${cannot}: interrupted before it was gone`, 'supervisord goes on with it');
    case 'denied':
      throw failure(`${cannot}: we may not signal its process ${end.pid}`, 'run it as root');
    case 'alive':
      throw failure(`${cannot}: still there after SIGKILL: ${end.pids.join(', ')}`, 'they wait in the kernel');
    case 'gone': {
      const again = (await infosOf(rpc, sought)).find((info) => isUp(info) && info.pid !== 0);
      if (again === undefined) return mains.length === 0 ? { kind: 'gone' } : end;
      throw failure(
        `${cannot}: it was stopped, and somebody has had supervisord start it again as process ${again.pid}`,
        'see who: `reconcile who --restarts` watches',
      );
    }
  }
}

/** Starts it, and waits until all of it is RUNNING. Throws why not. */
export async function startProgram(
  thing: ProgramThing,
  sought: Sought,
  { place, presence }: Reached,
  signal: AbortSignal,
): Promise<void> {
  const cannot = `cannot start ${nameOfThing(thing)}`;
  const because = whyNotAsked(thing.config, presence);
  if (because !== undefined) throw failure(`${cannot}: ${because}`, 'see to that supervisord first');
  if (presence.kind !== 'up') throw failure(`${cannot}: its supervisord is down`, 'start it by what runs it');
  using rpc = createSupervisord(createClient(place.address));
  const names = (await infosOf(rpc, sought)).map(nameOf);
  if (names.length === 0) {
    const hint = `supervisorctl -c ${thing.config} reread, then add its group`;
    throw failure(`${cannot}: its supervisord does not know it: it has not read its files since`, hint);
  }
  for (const name of names) await rpc.startProcess(name).catch(unless('ALREADY_STARTED', 'SPAWN_ERROR'));
  const { startsecs = 1, startretries = 3 } = sought.said?.options ?? {};
  // It waits a second more before each attempt.
  const limit = Date.now() + 1000 * (10 + (startsecs + startretries) * (startretries + 1));
  for (;;) {
    const infos = await infosOf(rpc, sought);
    if (infos.every(({ state }) => state === STATE.running)) return;
    const fatal = infos.find(({ state }) => state === STATE.fatal || state === STATE.exited || state === STATE.stopped);
    if (fatal !== undefined) throw failure(`${cannot}: it is ${fatal.statename}: ${reasonOf(fatal)}`, 'see its log');
    if (signal.aborted) throw failure(`${cannot}: interrupted before it was up`, 'supervisord goes on with it');
    if (Date.now() > limit) throw failure(`${cannot}: it was not up in time`, 'see its log');
    await sleep(OFTEN);
  }
}

/** ms. */
const OFTEN = 50;

async function infosOf(rpc: Supervisord, sought: Sought): Promise<readonly ProcessInfo[]> {
  const infos = await rpc.processInfo(fullNames(sought));
  return infos.filter((info) => info !== undefined);
}

function nameOf({ group, name }: ProcessInfo): string {
  return `${group}:${name}`;
}

function isAbove(pid: number): boolean {
  for (let at = statOf(process.pid); at !== undefined; at = statOf(at.ppid)) if (at.pid === pid) return true;
  return false;
}

function failure(summary: string, hint: string): Failure {
  return new Failure({ code: 'not-taken', summary, hint });
}
