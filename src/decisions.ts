import { join } from 'node:path';
import { readIfThere, writeAtomic } from './host/files.ts';
import type { Instance } from './instance.ts';
import type { Desired, Policy, Revision, Service, SupervisorName } from './model.ts';
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
  /** Absent where an older version has written it. */
  readonly instances?: readonly Instance[];
}

const lastGoodFile = (stateDir: string) => join(stateDir, 'decisions', 'last-good.json');
const usedFile = (stateDir: string) => join(stateDir, 'decisions', 'supervisors.json');
const ownersFile = (stateDir: string) => join(stateDir, 'decisions', 'owners.json');

/** The desired state that was last applied from this directory; undefined where there was none. */
export function readLastGood(stateDir: string, directory: string): Desired | undefined {
  const saved = readDecision(lastGoodFile(stateDir), isLastGood);
  if (saved === undefined || saved.directory !== directory) return undefined;
  const { revision, policy, services, instances = [] } = saved;
  return { revision, policy, services, instances, locate: () => undefined };
}

/**
 * Reads every decision, so that damaged ones are told before anything is done, and gives what keeps a desired state as
 * the last good one; it does nothing where it is that already.
 */
export function openDecisions(stateDir: string, directory: string): { keep(desired: Desired): void } {
  readDecision(ownersFile(stateDir), isOwners);
  const before = readDecision(lastGoodFile(stateDir), isLastGood);
  return {
    keep: ({ revision, policy, git, ...desired }) => {
      // As Git says: what is quarantined is a decision of its own.
      const { services, instances } = git ?? desired;
      if (before?.revision.content === revision.content && before.directory === directory) return;
      const saved: LastGood = { version: 1, directory, revision, policy, services, instances };
      writeDecision(lastGoodFile(stateDir), saved);
    },
  };
}

/** The desired-state directory that an owner name belongs to. */
export function directoryOf(stateDir: string, owner: string): string | undefined {
  return readDecision(ownersFile(stateDir), isOwners)?.[owner];
}

export function saveOwner(stateDir: string, owner: string, directory: string): void {
  const owners = readDecision(ownersFile(stateDir), isOwners) ?? {};
  if (owners[owner] !== directory) writeDecision(ownersFile(stateDir), { ...owners, [owner]: directory });
}

/** The supervisors that have something of ours, or had when they could last be read: they are looked at whatever Git says. */
export interface Used {
  readonly names: readonly SupervisorName[];
  /** The supervisords among them, as they were declared: Git may not say any more where they are. */
  readonly instances: readonly Instance[];
}

export function readUsed(stateDir: string): Used {
  const used = readDecision(usedFile(stateDir), isUsed) ?? [];
  return 'names' in used ? used : { names: used, instances: [] };
}

export function saveUsed(stateDir: string, before: Used, after: Used): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) writeDecision(usedFile(stateDir), after);
}

/** A decision as this version writes it, undefined where there is none. Fails where it is damaged. */
export function readDecision<T>(path: string, isWhole: (value: unknown) => value is T): T | undefined {
  let value: unknown;
  try {
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    value = JSON.parse(text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'EACCES' || code === 'EPERM' ? notOurs(path, why(error)) : damaged(path, why(error));
  }
  if (!isWhole(value)) throw damaged(path, 'it does not hold what this version writes there');
  return value;
}

// By hand and not by a schema: these are read by every run, and what reads schemas takes longer to load than they do.
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNames = (value: unknown): value is readonly SupervisorName[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

/** Names alone, as older versions wrote them. */
const isUsed = (value: unknown): value is Used | readonly SupervisorName[] =>
  isNames(value) || (isObject(value) && isNames(value.names) && isInstances(value.instances));

const isOwners = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every((directory) => typeof directory === 'string');

const isLastGood = (value: unknown): value is LastGood =>
  isObject(value) &&
  value.version === 1 &&
  typeof value.directory === 'string' &&
  isObject(value.revision) &&
  typeof value.revision.content === 'string' &&
  isObject(value.policy) &&
  typeof value.policy.owner === 'string' &&
  Array.isArray(value.services) &&
  value.services.every((service) => isObject(service) && typeof service.id === 'string' && isObject(service.written)) &&
  (value.instances === undefined || isInstances(value.instances));

const isInstances = (value: unknown): value is readonly Instance[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isObject(one) &&
      [one.name, one.supervisor, one.config, one.include].every((text) => typeof text === 'string') &&
      (one.owned === undefined || isObject(one.owned)),
  );

/** Nothing is wrong with it: somebody else runs what is here. */
function notOurs(path: string, because: string): Failure {
  return new Failure({
    code: 'decisions-unreadable',
    summary: `cannot read what was decided here (${path}): ${because}`,
    hint: 'ask as whoever runs the daemon, such as root; for services of your own name folders of your own: --runtime-dir DIR',
  });
}

function damaged(path: string, because: string): Failure {
  return new Failure({
    code: 'decisions-damaged',
    summary: `cannot converge: the decisions in ${path} can't be read: ${because}`,
    hint: `look at what it holds, then acknowledge by moving it away: mv ${path} ${path}.damaged`,
  });
}

/** Written whole, and synced. */
export function writeDecision(path: string, value: unknown): void {
  try {
    writeAtomic(path, `${JSON.stringify(value)}\n`, { sync: true });
  } catch (error) {
    throw new Failure({ code: 'decisions-unwritable', summary: `cannot write ${path}: ${why(error)}` });
  }
}
