import type { Config } from '../config.ts';
import type { Desired } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';
import { formatRevision } from '../revision.ts';
import { checkSource } from '../sources.ts';
import type { DaemonEvent } from './event.ts';
import { lastGood, ownerChanged } from './invalid.ts';

/** What is desired, as far as this daemon knows: what Git says now, or what was last good where that is invalid. */
export interface Force {
  /** What was read or applied last. */
  last: Desired | undefined;
  /** Whose services the daemon looks after, from the first reading on: that can't change. */
  owner: string | undefined;
  /** Why what Git says is not in force; empty where it is. */
  readonly problems: readonly Problem[];
  /** Reads; `fresh`: what Git says now. Undefined where there is nothing to begin with. */
  now(): Promise<{ readonly desired: Desired | undefined; readonly fresh: boolean }>;
  /** What Git says can't be had: told once. */
  reject(problems: readonly Problem[]): void;
  /** What Git says was applied; told where it was invalid before. */
  accept(): void;
}

export function openForce(config: Config, load: () => Promise<Desired>, tell: (event: DaemonEvent) => void): Force {
  let told: string | undefined;
  const force: Force = {
    last: lastGood(config),
    owner: undefined,
    get problems() {
      return JSON.parse(told ?? '[]') as Problem[];
    },
    now: async () => {
      const safety = checkSource(config);
      try {
        if (safety.length > 0) throw new Failure(...safety);
        const desired = await load();
        const { owner } = desired.policy;
        if (force.owner !== undefined && owner !== force.owner) throw new Failure(ownerChanged(force.owner, owner));
        return { desired, fresh: true };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        force.reject(error.problems);
        return { desired: force.last, fresh: false };
      }
    },
    reject: (problems) => {
      const text = JSON.stringify(problems);
      if (text === told) return;
      told = text;
      const { last } = force;
      tell({ kind: 'invalid', problems, inForce: last === undefined ? undefined : formatRevision(last.revision) });
    },
    accept: () => {
      if (told === undefined) return;
      told = undefined;
      tell({ kind: 'valid-again' });
    },
  };
  return force;
}
