import type { Process, Processes } from '../../../src/graph/processes.ts';

/** Beyond what the kernel gives: nobody has these. */
export const NOBODY = 10_000_000;

export function processOf(pid: number, argv: string | readonly string[], more: Partial<Process> = {}): Process {
  return {
    pid,
    start: pid * 10,
    ppid: 1,
    pgrp: pid,
    comm: undefined,
    session: pid,
    argv: typeof argv === 'string' ? argv.split(' ') : argv,
    exe: undefined,
    cwd: '/',
    uid: 0,
    user: 'root',
    cgroups: [],
    ...more,
  };
}

export function tableOf(processes: readonly Process[]): Processes {
  const all = new Map(
    [processOf(1, '/sbin/init', { ppid: 0, cgroups: ['0::/init.scope'] }), ...processes].map((p) => [p.pid, p]),
  );
  const ancestorsOf = (pid: number): readonly Process[] => {
    const parent = all.get(all.get(pid)?.ppid ?? 0);
    return parent === undefined ? [] : [parent, ...ancestorsOf(parent.pid)];
  };
  return {
    get: (pid) => all.get(pid),
    childrenOf: (pid) => [...all.values()].filter(({ ppid }) => ppid === pid),
    ancestorsOf,
    [Symbol.iterator]: () => all.values(),
  };
}
