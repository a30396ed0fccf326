import { basename } from 'node:path';
import { Failure } from '../../problem.ts';
import { readText } from './disk.ts';
import type { Observer } from './sight.ts';
import { isMarkPath, markPath, type Place } from './taker-mark.ts';

/** Has systemd read such a drop-in, of one place or of any? Its own word that nothing has changed on disk is not to be trusted. */
export async function isLoaded(o: Observer, unit: string, place?: Place): Promise<boolean> {
  const paths = await o.manager.property(unit, 'DropInPaths');
  const wanted = place === undefined ? undefined : markPath(o, unit, place);
  return paths.some((path) => (wanted === undefined ? isMarkPath(o.scope, o.unitDir, path) : path === wanted));
}

/** A condition set to nothing does away with all that came before. */
const RESET = /^[ \t]*Condition[A-Za-z]+[ \t]*=[ \t]*$/m;

/**
 * Throws where a unit can be started all the same: systemd has not read the drop-in, or a later one takes back what it says.
 * Of what is masked systemd reads none, and starts it no more either.
 */
export async function assertInForce(o: Observer, unit: string, place: Place): Promise<void> {
  if ((await o.manager.property(unit, 'LoadState')) === 'masked') return;
  const own = markPath(o, unit, place);
  const paths = await o.manager.property(unit, 'DropInPaths');
  if (!paths.includes(own)) {
    throw new Failure({
      code: 'block-unread',
      summary: `cannot block ${unit}: systemd has not read ${own}`,
      hint: `\`systemctl cat ${unit}\` shows what it has read`,
    });
  }
  const later = paths.find((path) => basename(path) > basename(own) && RESET.test(readText(path) ?? ''));
  if (later === undefined) return;
  throw new Failure({
    code: 'block-undone',
    summary: `cannot block ${unit}: ${later} takes all its conditions away`,
    file: later,
    hint: `take the empty Condition…= out of ${later}, or give it a name before ${basename(own)}`,
  });
}
