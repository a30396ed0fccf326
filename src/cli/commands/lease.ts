import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { readLastGood } from '../../decisions.ts';
import { loadDesired } from '../../engine.ts';
import { readHolder } from '../../host/lock.ts';
import type { Desired } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { saidText } from '../../secrets.ts';
import { parseDuration } from '../../units.ts';
import type { Context, Options } from '../context.ts';

/*
 * What people say that lasts for a while: whose word it is, why, and until when.
 */

/** Why, as it may be shown; fails where nothing is said. `what` is what can't be done then. */
export function reasonOf({ reason = '' }: Options, what: string): string {
  const said = saidText(reason);
  if (said !== '') return said;
  throw usage(`cannot ${what} without a reason`, "say why, for those who find it: --reason 'the auditors are here'");
}

/** Whose word it is. */
export function byWhom({ by = '' }: Options): string {
  return saidText(by) || person();
}

/** When it ends (ms since the epoch); undefined where that is not said. */
export function endOf({ for: long, until }: Options, now: number, what: string): number | undefined {
  if (long !== undefined && until !== undefined) throw usage('cannot use --for with --until', 'give one of them');
  if (long !== undefined) {
    const ms = parseDuration(long);
    if (ms === undefined || ms === 0) throw usage(`cannot ${what} for '${long}'`, 'give a time such as 2h or 1d12h');
    return now + ms;
  }
  if (until === undefined) return undefined;
  // Without a zone it is UTC, as all times are that are shown.
  const at = Date.parse(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(until) ? `${until.replace(' ', 'T')}Z` : until);
  if (Number.isNaN(at) || !/^\d{4}-\d\d-\d\d/.test(until))
    throw usage(
      `cannot take '${until}' for a time`,
      'give a time in UTC (2026-11-24, 2026-11-24T16:40), or with a zone (…+02:00)',
    );
  if (at <= now) throw usage(`cannot ${what} until ${until}: that is over`, `it is ${new Date(now).toISOString()} now`);
  return at;
}

/** Who asks: whoever logged in, also where he became root. */
export function person(): string {
  const { SUDO_USER } = process.env;
  if (SUDO_USER !== undefined && SUDO_USER !== '') return SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    // A user that the host has no name for.
    return `uid ${process.getuid?.()}`;
  }
}

/** Is there a daemon, and has it heard that something was decided? */
export async function nudged({ config, note }: Context, cause: string): Promise<boolean> {
  const socket = join(config.runtimeDir, 'control.sock');
  const holder = readHolder(join(config.runtimeDir, 'lock'));
  // One that is about to begin, or has ended, sees it by itself when it begins.
  if (holder?.role !== 'daemon' || !existsSync(`/proc/${holder.pid}`) || !existsSync(socket)) return false;
  const { askNudge } = await import('../../daemon/client.ts');
  try {
    await askNudge(socket, cause.slice(0, 200));
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    note(`The daemon could not be told, it sees it when it looks next: ${error.message}\n`);
    return false;
  }
}

/** In an emergency what was last good is enough to tell names by. */
export async function desiredNow(config: Config): Promise<Desired> {
  try {
    return await loadDesired(config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const last = readLastGood(config.stateDir, config.desiredState);
    if (last === undefined) throw error;
    return last;
  }
}

export function usage(summary: string, hint: string): Failure {
  return new Failure({ code: 'usage', summary, hint });
}
