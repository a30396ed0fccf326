import type { Config } from '../config.ts';
import type { Cache } from '../desired/cache.ts';
import { loadDesired, loadDesiredAt, openDesiredCache } from '../engine.ts';
import { openCommits } from '../git/commits.ts';
import type { Desired } from '../model.ts';
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
  if (request.back === undefined) return release(config, request, desired);
  const { back, ...rest } = request;
  keepBack(config, await goingBack(config, back, cache));
  return rest;
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
