import { dirname, join } from 'node:path';
import { cgroupsOf, listPids, uidOf } from '../host/procfs.ts';
import { bad, type Finding, ok, warning } from './finding.ts';
import { namesIn, readLimit, text } from './kernel.ts';

/** How many there are, and may be, by what says so. */
export interface Count {
  readonly name: string;
  readonly used: number;
  readonly most: number;
  readonly mend: string;
}

/** Pure. */
export function judgeProcesses(counts: readonly Count[]): readonly Finding[] {
  const found = counts.flatMap(({ name, used, most, mend }): Finding[] => {
    if (used < most * 0.8) return [];
    const grade = used >= most * 0.95 ? bad : warning;
    return [
      grade('processes', `few more processes can be started: ${name}`, {
        evidence: [`${used} of ${most}`],
        mend: [mend],
      }),
    ];
  });
  if (found.length > 0) return found;
  const [tightest] = [...counts].sort((a, b) => b.used / b.most - a.used / a.most);
  return [
    ok(
      'processes',
      `processes and threads: ${tightest === undefined ? 'no limit' : `${tightest.used} of ${tightest.most} (${tightest.name})`}`,
    ),
  ];
}

export function readProcesses(uid: number, pid: number | undefined): readonly Count[] {
  const [, threads = 0] = /\d+\/(\d+)/.exec(text('/proc/loadavg') ?? '') ?? [];
  const all = Number(threads);
  const of = (name: string): Count[] => {
    const most = Number(text(`/proc/sys/kernel/${name}`) ?? 0);
    const mend = `sysctl -w kernel.${name}=${most * 4}`;
    return most > 0 ? [{ name: `kernel.${name}`, used: all, most, mend }] : [];
  };
  const own = uid === 0 ? Number.POSITIVE_INFINITY : readLimit('self', 'Max processes');
  const mine =
    own === Number.POSITIVE_INFINITY
      ? []
      : [{ name: 'ulimit -u', used: threadsOf(uid), most: own, mend: `ulimit -Hu ${own * 2}` }];
  return [...of('pid_max'), ...of('threads-max'), ...mine, ...groupCounts(pid ?? 'self')];
}

/** The control groups that a process is in, and those above: the tightest counts. */
function groupCounts(pid: number | 'self'): readonly Count[] {
  const lines = cgroupsOf(pid === 'self' ? process.pid : pid) ?? [];
  const line =
    lines.find((one) => one.split(':')[1]?.split(',').includes('pids')) ?? lines.find((one) => one.startsWith('0::'));
  const path = line?.split(':').slice(2).join(':');
  if (line === undefined || path === undefined) return [];
  const root = line.startsWith('0::') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const counts: Count[] = [];
  for (let here = path; here !== '/' && here !== '.'; here = dirname(here)) {
    const most = Number(text(join(root, here, 'pids.max')) ?? 'max');
    const used = Number(text(join(root, here, 'pids.current')) ?? 0);
    const unit = here.split('/').findLast((part) => /\.(service|slice|scope)$/.test(part));
    if (Number.isFinite(most) && most > 0)
      counts.push({
        ...{ name: `the control group ${here}`, used, most },
        mend:
          unit === undefined
            ? `cat ${join(root, here, 'pids.max')}`
            : `systemctl set-property ${unit} TasksMax=${most * 4}`,
      });
  }
  return counts;
}

function threadsOf(uid: number): number {
  return listPids()
    .filter((pid) => uidOf(pid) === uid)
    .reduce((sum, pid) => sum + namesIn(`/proc/${pid}/task`).length, 0);
}
