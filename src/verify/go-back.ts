import type { Config } from '../config.ts';
import { endHolds } from '../control/keep-holds.ts';
import type { Cache } from '../desired/cache.ts';
import { loadDesired, loadDesiredAt, openDesiredCache } from '../engine.ts';
import { openCommits } from '../git/commits.ts';
import { membersOf } from '../groups.ts';
import type { Desired, Service } from '../model.ts';
import type { Back, Request } from '../request.ts';
import { readBook } from './book.ts';
import { backTo, keepBack, noRepository, refuseBack } from './by-hand.ts';
import { release } from './decide.ts';
import type { Quarantine } from './quarantine.ts';

/**
 * Keeps what a person decides with a request, before it is read what is desired, and gives what is left to do. `desired`:
 * what was desired last.
 */
export async function decided(
  config: Config,
  request: Request,
  desired: Desired | undefined,
  cache?: Cache,
): Promise<Request> {
  const goesOn = request.looking ? [] : [...request.asked, ...(request.restart ?? []), ...(request.release ?? [])];
  if (goesOn.length > 0) await endHolds(config.stateDir, namesOf(goesOn, desired?.services ?? []));
  if (request.back === undefined) return release(config, request, desired);
  const { back, ...rest } = request;
  keepBack(config, await goingBack(config, back, cache));
  return rest;
}

/** With those of groups and patterns, and those that they had before. */
function namesOf(names: readonly string[], services: readonly Service[]): readonly string[] {
  const isOne = (word: string) => services.some(({ id, name }) => id === word || name === word);
  const members = names.flatMap((word) => (isOne(word) ? [] : (membersOf(word, services) ?? [])));
  const all = new Set([...names, ...members.flatMap(({ id, name }) => [id, name])]);
  const before = services.flatMap(({ id, name, formerly, instance }) => {
    if (all.has(name)) return formerly;
    return all.has(id) ? formerly.map((former) => `${former}@${instance}`) : [];
  });
  return [...all, ...before];
}

/** What would be kept to go back; reads alone. */
export async function goingBack(config: Config, back: Back, given?: Cache): Promise<Quarantine> {
  const cache = given ?? openDesiredCache(config);
  const desired = await loadDesired(config, cache);
  refuseBack(desired);
  const commits = await openCommits(config);
  if (commits === undefined) throw noRepository();
  return backTo(desired, readBook(config.stateDir), back, {
    resolve: (name) => commits.resolve(name),
    loadAt: (commit) => loadDesiredAt(config, commit, cache),
    by: back.by ?? 'somebody',
    now: Date.now(),
  });
}

/** What Git said at a commit of the repository, which is fetched where it is not known here yet. */
export async function desiredAt(config: Config, commit: string, cache: Cache): Promise<Desired> {
  const commits = await openCommits(config);
  if (commits === undefined) throw noRepository();
  return loadDesiredAt(config, await commits.resolve(commit), cache);
}
