import type { Config } from '../config.ts';
import type { Desired, Service, ServiceId } from '../model.ts';
import { Failure } from '../problem.ts';
import type { Back } from '../request.ts';
import { formatRevision } from '../revision.ts';
import { type Book, readBook, saveBook, withTrial } from './book.ts';
import { digestOf } from './digest.ts';
import { isSameRevision, type Quarantine, type Quarantined, withQuarantine } from './quarantine.ts';

/** What it takes to go back; reads alone. */
export interface BackMeans {
  /** The full name of a commit; fails where there is none of that name. */
  readonly resolve: (name: string) => Promise<string>;
  readonly loadAt: (commit: string) => Promise<Desired>;
  readonly by: string;
  readonly now: number;
}

export function noRepository(): Failure {
  return new Failure({
    code: 'not-a-repository',
    summary: 'cannot roll back: no commit of the desired state is known',
    hint: 'the directory has to be in a git repository of your own; else put its files back by hand and run `reconcile`',
  });
}

/** Why one can't go back at all as things are. */
export function refuseBack({ revision }: Desired): void {
  if (revision.commit === undefined) throw noRepository();
  if (revision.dirty) {
    throw new Failure({
      code: 'worktree-dirty',
      summary: 'cannot roll back: the desired state has changes that are not committed',
      hint: 'commit them, or take them back with `git restore`: what is rolled back stays so until the next commit',
    });
  }
}

/**
 * What is to be quarantined of the present commit so that its services are as they were at another; fails where that can't
 * be. Where no commit is named: the last one that was in force here and of which everything stayed well.
 */
export async function backTo(desired: Desired, book: Book, back: Back, means: BackMeans): Promise<Quarantine> {
  refuseBack(desired);
  const { revision } = desired;
  const commit = await means.resolve(back.commit ?? lastOf(book, desired));
  if (commit === revision.commit) {
    throw new Failure({
      code: 'already-there',
      summary: `cannot roll back to ${formatRevision(revision)}: that is the present commit`,
      hint: '`reconcile retry` ends an earlier rollback; `git log` shows what to name instead',
    });
  }
  const old = await means.loadAt(commit);
  if (old.policy.owner !== desired.policy.owner) {
    throw new Failure({
      code: 'owner-changed',
      summary: `cannot roll back to ${commit.slice(0, 12)}: its owner was '${old.policy.owner}' and is '${desired.policy.owner}'`,
    });
  }
  const git = desired.git ?? desired;
  const why = `${means.by} went back to ${commit.slice(0, 12)}`;
  const before = new Map(old.services.map((service) => [service.id, service]));
  const now = new Map(git.services.map((service) => [service.id, service]));
  const known = new Set([...before.keys(), ...now.keys()]);
  refuseUnknown(back.only, [...before.values(), ...now.values()]);
  const entries: Record<ServiceId, Quarantined> = {};
  for (const id of [...known].sort()) {
    const [was, is] = [before.get(id), now.get(id)];
    if (!isChosen(back.only, id, was ?? is)) continue;
    const entry = { why, at: means.now, revision: commit.slice(0, 12) };
    if (was === undefined) {
      const { revision: _, ...absent } = entry;
      if (is !== undefined && is.state !== 'absent') entries[id] = { to: 'absent', ...absent };
    } else if (is === undefined || digestOf(was) !== digestOf(is)) {
      const instance = old.instances.find(({ supervisor }) => supervisor === was.runs);
      entries[id] = { to: was, ...entry, ...(instance === undefined ? {} : { instance }) };
    }
  }
  const of = { content: revision.content, ...(revision.commit === undefined ? {} : { commit: revision.commit }) };
  const earlier =
    book.quarantine !== undefined && isSameRevision(book.quarantine.of, revision) ? book.quarantine : undefined;
  // With some alone, what was quarantined of others stays so.
  const kept = back.only.length === 0 ? {} : earlier?.services;
  return { of, at: means.now, by: 'person', services: { ...kept, ...entries } };
}

/** Keeps it: from now on it is so. What was watched of the services is watched no more. */
export function keepBack({ stateDir }: Pick<Config, 'stateDir'>, quarantine: Quarantine): void {
  const before = readBook(stateDir);
  let next: Book = { ...before, quarantine };
  for (const id of Object.keys(quarantine.services)) next = withTrial(next, id, undefined);
  saveBook(stateDir, before, next);
}

/** The desired state as it would be then. */
export function wentBack(desired: Desired, quarantine: Quarantine): Desired {
  const { quarantined: _, git, ...rest } = desired;
  return withQuarantine({ ...rest, ...git }, quarantine);
}

function lastOf({ history }: Book, { revision }: Desired): string {
  const last = history.findLast(({ commit }) => commit !== undefined && commit !== revision.commit)?.commit;
  if (last !== undefined) return last;
  throw new Failure({
    code: 'no-earlier-commit',
    summary: 'cannot roll back: no earlier commit is known here of which everything stayed well',
    hint: 'only a daemon finds that out; name one: `reconcile rollback COMMIT`',
  });
}

function isChosen(only: readonly string[], id: ServiceId, service: Service | undefined): boolean {
  if (only.length === 0) return true;
  return only.some((name) =>
    name.endsWith(':*') ? service?.group === name.slice(0, -2) : id === name || id.split('@')[0] === name,
  );
}

function refuseUnknown(only: readonly string[], services: readonly Service[]): void {
  const unknown = only.filter((name) => !services.some((service) => isChosen([name], service.id, service)));
  if (unknown.length === 0) return;
  throw new Failure(
    ...unknown.map((name) => ({
      code: 'unknown-service',
      summary: `no service is called '${name}', neither now nor at that commit`,
      hint: '`reconcile status` lists them',
    })),
  );
}
