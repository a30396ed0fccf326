import { join } from 'node:path';
import { readIfThere, writeAtomic } from './host/files.ts';
import type { Desired, Policy, Revision, Service } from './model.ts';
import { Failure, why } from './problem.ts';

/**
 * What was decided and can be read from neither Git nor the host: whose an owner name is, and the last good desired
 * state, from which a daemon starts when what it finds is invalid. Written atomically and synced, apart from any
 * history. A damaged file is an error, never "nothing was decided".
 */
interface LastGood {
  readonly version: 1;
  readonly directory: string;
  readonly revision: Revision;
  readonly policy: Policy;
  readonly services: readonly Service[];
}

const lastGoodFile = (stateDir: string) => join(stateDir, 'decisions', 'last-good.json');
const ownersFile = (stateDir: string) => join(stateDir, 'decisions', 'owners.json');

/** The desired state that was last applied from this directory; undefined where there was none. */
export function readLastGood(stateDir: string, directory: string): Desired | undefined {
  const saved = readDecision<LastGood>(lastGoodFile(stateDir));
  if (saved === undefined || saved.directory !== directory) return undefined;
  return { revision: saved.revision, policy: saved.policy, services: saved.services, locate: () => undefined };
}

/** Keeps a desired state as the last good one; does nothing where it is that already. */
export function saveLastGood(stateDir: string, directory: string, desired: Desired): void {
  const before = readDecision<LastGood>(lastGoodFile(stateDir));
  if (before?.revision.content === desired.revision.content && before.directory === directory) return;
  const { revision, policy, services } = desired;
  write(lastGoodFile(stateDir), { version: 1, directory, revision, policy, services } satisfies LastGood);
}

/** The desired-state directory that an owner name belongs to. */
export function directoryOf(stateDir: string, owner: string): string | undefined {
  return readDecision<Record<string, string>>(ownersFile(stateDir))?.[owner];
}

export function saveOwner(stateDir: string, owner: string, directory: string): void {
  const owners = readDecision<Record<string, string>>(ownersFile(stateDir)) ?? {};
  if (owners[owner] !== directory) write(ownersFile(stateDir), { ...owners, [owner]: directory });
}

function readDecision<T>(path: string): T | undefined {
  let text: string | undefined;
  try {
    text = readIfThere(path);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch (error) {
    throw new Failure({
      code: 'decisions-damaged',
      summary: `cannot converge: the decisions in ${path} can't be read: ${why(error)}`,
      hint: `look at what it holds, then acknowledge by moving it away: mv ${path} ${path}.damaged`,
    });
  }
}

function write(path: string, value: unknown): void {
  try {
    writeAtomic(path, `${JSON.stringify(value)}\n`, { sync: true });
  } catch (error) {
    throw new Failure({ code: 'decisions-unwritable', summary: `cannot write ${path}: ${why(error)}` });
  }
}
