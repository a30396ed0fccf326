import { readdirSync } from 'node:fs';
import { readHolder } from '../host/lock.ts';
import { linkOf } from '../host/procfs.ts';
import { bad, type Finding, ok } from './finding.ts';
import type { Means } from './means.ts';
import { type DaemonSeen, pidOf } from './see-daemon.ts';

/** Other daemons of ours, for whatever runtime folder. */
export function otherDaemons(means: Means, seen: DaemonSeen): readonly Finding[] {
  const known = pidOf(seen);
  const daemons = [...means.processes()].filter(
    ({ pid, argv }) => pid !== known && pid !== process.pid && isDaemon(argv) && sameHost(pid),
  );
  return daemons.map(({ pid, argv, user }) => {
    const source = sourceOf(pid);
    const says = `another daemon runs, pid ${pid}, as ${user ?? 'another user'}`;
    const evidence = [argv.slice(argv.findIndex((arg) => arg.endsWith('/cli.js'))).join(' ')];
    if (source !== means.config.desiredState)
      return ok('daemon-other', `${says}, for ${source ?? 'what it does not show us'}`);
    return bad('daemon-second', `${says}, for the same desired state`, { evidence, mend: [`kill ${pid}`] });
  });
}

function isDaemon(argv: readonly string[]): boolean {
  const at = argv.findIndex((arg) => arg.endsWith('/cli.js'));
  return at >= 0 && argv.slice(at + 1).includes('daemon');
}

/** In a container it is another host's. */
function sameHost(pid: number): boolean {
  const theirs = linkOf(pid, 'ns/pid');
  return theirs === undefined || theirs === linkOf('self', 'ns/pid');
}

/** By the lock that it holds; undefined where we may not look. */
function sourceOf(pid: number): string | undefined {
  try {
    const held = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(pid, `fd/${fd}`) ?? '');
    const holders = held.filter((path) => path.endsWith('/lock')).map(readHolder);
    return holders.find((holder) => holder?.pid === pid)?.desiredState;
  } catch {
    return undefined;
  }
}
