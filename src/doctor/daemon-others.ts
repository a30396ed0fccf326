import { heldBy, isDaemon } from '../host/daemons.ts';
import { isOnThisHost } from '../host/procfs.ts';
import { bad, type Finding, ok } from './finding.ts';
import type { Means } from './means.ts';
import { type DaemonSeen, pidOf } from './see-daemon.ts';

/** Other daemons of ours, for whatever runtime folder. */
export function otherDaemons(means: Means, seen: DaemonSeen): readonly Finding[] {
  const known = pidOf(seen);
  const daemons = [...means.processes()].filter(
    ({ pid, argv }) => pid !== known && pid !== process.pid && isDaemon(argv) && isOnThisHost(pid),
  );
  return daemons.map(({ pid, argv, user }) => {
    const source = heldBy(pid)?.desiredState;
    const says = `another daemon runs, pid ${pid}, as ${user ?? 'another user'}`;
    const evidence = [argv.slice(argv.findIndex((arg) => arg.endsWith('/cli.js'))).join(' ')];
    if (source !== means.config.desiredState)
      return ok('daemon-other', `${says}, for ${source ?? 'what it does not show us'}`);
    return bad('daemon-second', `${says}, for the same desired state`, { evidence, mend: [`kill ${pid}`] });
  });
}
