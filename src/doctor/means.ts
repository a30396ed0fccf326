import type { Config } from '../config.ts';
import { loadDesired, openDesiredCache } from '../engine.ts';
import { createProcessTable, type Processes } from '../graph/processes.ts';
import type { Desired } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';
import type { Finding } from './finding.ts';
import { type DaemonSeen, seeDaemon } from './see-daemon.ts';

/** What checks look at; what several need is read once. */
export interface Means {
  readonly config: Config;
  /** Why the tool's own configuration can't be read: what is in `config` are the defaults then. */
  readonly unreadable: readonly Problem[];
  readonly environment: NodeJS.ProcessEnv;
  readonly uid: number;
  readonly version: string;
  /** ms since the epoch. */
  readonly now: number;
  /** Fails as a load of it does. */
  desired(): Promise<Desired>;
  daemon(): Promise<DaemonSeen>;
  processes(): Processes;
}

/** One topic: looks, changes nothing, and ends when it is told to. */
export interface Check {
  readonly topic: string;
  look(means: Means, signal: AbortSignal): Promise<readonly Finding[]>;
}

export function openMeans(config: Config, version: string, unreadable: readonly Problem[] = []): Means {
  return {
    ...{ config, unreadable, version, environment: process.env, now: Date.now() },
    uid: process.getuid?.() ?? 0,
    // Nothing is written, not even what would make the next load faster.
    desired: once(() => loadDesired(config, openDesiredCache(config))),
    daemon: once(() => seeDaemon(config)),
    processes: once(() => createProcessTable()()),
  };
}

/** Undefined where there is none, or it is not valid. */
export async function desiredIfThere(means: Means): Promise<Desired | undefined> {
  try {
    return await means.desired();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
