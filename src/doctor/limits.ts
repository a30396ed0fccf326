import type { Desired } from '../model.ts';
import { bad, type Finding, ok } from './finding.ts';
import { entriesBelow, judgeInotify, readInotify } from './inotify.ts';
import { readLimit } from './kernel.ts';
import { type Check, desiredIfThere } from './means.ts';
import { judgeProcesses, readProcesses } from './processes.ts';
import { pidOf } from './see-daemon.ts';

/** What the kernel has to give: watches, open files, processes. */
export const limits: Check = {
  topic: 'limits',
  look: async (means) => {
    const desired = await desiredIfThere(means);
    const seen = await means.daemon();
    const pid = pidOf(seen);
    const source = means.config.git === undefined ? means.config.desiredState : undefined;
    const watched = pid === undefined && source !== undefined ? entriesBelow(source) : 0;
    return [
      ...judgeInotify({ ...readInotify(means.uid), needed: watched, instances: pid === undefined ? 2 : 0 }),
      ...judgeOpenFiles(readLimit(pid ?? 'self', 'Max open files'), filesNeeded(desired), pid !== undefined),
      ...judgeProcesses(readProcesses(means.uid, pid)),
    ];
  },
};

/** Pure: the hard limit of open files, which Node raises itself to. */
export function judgeOpenFiles(most: number, needed: number, daemon: boolean): readonly Finding[] {
  const whose = daemon ? 'the daemon' : 'a daemon that is started from here';
  if (most >= needed)
    return [ok('open-files', `${whose} may open ${most === Number.POSITIVE_INFINITY ? 'any number of' : most} files`)];
  return [
    bad('open-files', `${whose} may open only ${most} files, and needs some ${needed}`, {
      evidence: ['ulimit -Hn, /proc/PID/limits'],
      hint: 'only root may raise it: in a shell of root by this, for a user by a line `USER hard nofile N` in /etc/security/limits.d/, in a unit by LimitNOFILE=',
      mend: [`ulimit -Hn ${Math.max(4096, needed * 2)}`],
    }),
  ];
}

/** Its own, and for each service of the embedded supervisor FIFOs, logs and probes. */
function filesNeeded(desired: Desired | undefined): number {
  return 128 + 6 * (desired?.services ?? []).filter(({ supervisor }) => supervisor === 'builtin').length;
}
