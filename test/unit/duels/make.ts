import { deedsOf } from '../../../src/duels/deeds.ts';
import type { Generation, Job, Samples, Subject, Witness } from '../../../src/duels/samples.ts';

export const WEB: Subject = { name: 'web.service', handle: { kind: 'unit', unit: 'web.service', user: false } };

export function witness(pid: number, command: string, more: Partial<Witness> = {}): Witness {
  const argv = command.split(' ');
  return { pid, start: pid * 10, argv, comm: (argv[0] ?? '').slice(0, 15), uid: 0, began: 0, ...more };
}

/** A command that was alive from one time to another, with its parents. */
export function job(command: string, from: number, to: number, parents: readonly Witness[] = [], pid = from): Job {
  const process = witness(pid, command);
  return { process, deeds: deedsOf(process.argv), parents, firstSeen: from, lastSeen: to };
}

/** Main processes of a subject, one after another: each begins 20 ms after the one before it was found gone. */
export function generations(subject: Subject, begins: readonly number[], end?: number): Generation[] {
  return begins.map((firstSeen, i) => {
    const next = begins[i + 1];
    const gone = next === undefined ? end : next - 20;
    return {
      subject: subject.name,
      process: witness(1000 + i, '/usr/bin/web'),
      pgrp: 1000 + i,
      firstSeen,
      lastSeen: gone === undefined ? firstSeen + 1_000_000 : gone - 4,
      ...(gone === undefined ? {} : { gone }),
    };
  });
}

export function samples(jobs: readonly Job[], all: readonly Generation[], more: Partial<Samples> = {}): Samples {
  return { since: 0, until: 100_000, jobs, generations: all, forgotten: 0, blind: 12, ...more };
}

export const AROUND = { userOf: (uid: number) => (uid === 0 ? 'root' : `uid ${uid}`), restarts: new Map() };
