import type { Desired, ServiceId } from '../model.ts';
import type { Book } from './book.ts';
import { digestOf } from './digest.ts';

/**
 * The last commit of which everything stayed well here and at which Git said something else of this service than now;
 * undefined where none is known. Fails where a commit can't be read.
 */
export async function lastOtherwise(
  desired: Desired,
  { history }: Pick<Book, 'history'>,
  id: ServiceId,
  loadAt: (commit: string) => Promise<Desired>,
): Promise<string | undefined> {
  const now = (desired.git ?? desired).services.find((service) => service.id === id);
  if (now === undefined) return undefined;
  for (const { commit } of history.toReversed()) {
    if (commit === undefined || commit === desired.revision.commit) continue;
    const { services } = await loadAt(commit);
    const then = services.find((service) => service.id === id);
    // That it was not there is nothing to go back to.
    if (then !== undefined && digestOf(then) !== digestOf(now)) return commit;
  }
  return undefined;
}
