import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { closest } from '../../closest.ts';
import { type Config, ensureFolder } from '../../config.ts';
import { type Freeze, frozenAlso, MOST_FREEZES, readFreezes, saveFreezes } from '../../control/freeze.ts';
import { readLastGood } from '../../decisions.ts';
import { loadDesired } from '../../engine.ts';
import { readHolder, takeLock } from '../../host/lock.ts';
import type { Desired } from '../../model.ts';
import { Failure, why } from '../../problem.ts';
import { saidText } from '../../secrets.ts';
import { parseDuration } from '../../units.ts';
import type { Context, Options } from '../context.ts';
import { type Frozen, frozenJson, frozenText } from '../views/control.ts';

/** `reconcile freeze [NAME…] --reason TEXT`: nothing is changed there until it ends. */
export async function freezeCommand(context: Context, options: Options): Promise<number> {
  const now = Date.now();
  const reason = saidText(options.reason ?? '');
  if (reason === '')
    throw usage('cannot freeze without a reason', "say why, for those who find it: --reason 'the auditors are here'");
  const until = endOf(options, now);
  const names = options.names?.length ? [...new Set(options.names)] : ['*'];
  const by = saidText(options.by ?? '') || person();
  const desired = names.every((name) => name === '*') ? undefined : await desiredOf(context.config);
  const freezes = names.map((name): Freeze => {
    const members = desired === undefined ? [] : membersOf(name, desired);
    const more = { ...(members.length === 0 ? {} : { members }), ...(until === undefined ? {} : { until }) };
    return { name, by, why: reason, since: now, ...more };
  });
  const all = await change(context.config, (before) => frozenAlso(before, freezes));
  return tell(context, options, { now: all, changed: { kind: 'frozen', names } }, `frozen by ${by}`);
}

/** `reconcile unfreeze [NAME…]`: everything again, or these. */
export async function unfreezeCommand(context: Context, options: Options): Promise<number> {
  const names = options.names ?? [];
  let ended: readonly string[] = [];
  const all = await change(context.config, (before) => {
    const frozen = before.map(({ name }) => name);
    const unknown = names.filter((name) => !frozen.includes(name));
    if (unknown.length > 0) throw new Failure(...unknown.map((name) => notFrozen(name, frozen)));
    ended = names.length === 0 ? frozen : names;
    return before.filter(({ name }) => !ended.includes(name));
  });
  return tell(context, options, { now: all, changed: { kind: 'unfrozen', names: ended } }, `unfrozen by ${person()}`);
}

/** Two people at once: one after the other. */
async function change(
  { stateDir, desiredState }: Config,
  next: (before: readonly Freeze[]) => readonly Freeze[],
): Promise<readonly Freeze[]> {
  const folder = join(stateDir, 'decisions');
  try {
    ensureFolder(stateDir);
    ensureFolder(folder);
    const holder = { pid: process.pid, role: 'apply', desiredState, since: new Date().toISOString() } as const;
    using lock = await takeLock(join(folder, 'freeze.lock'), holder, PATIENCE);
    if (lock === undefined) throw usage('cannot change what is frozen: somebody else is about to', 'try again');
    const before = readFreezes(stateDir, Date.now());
    const after = next(before);
    if (after.length > MOST_FREEZES)
      throw usage(`cannot freeze more than ${MOST_FREEZES} names`, 'freeze whole groups, or everything');
    saveFreezes(stateDir, after);
    return after;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const summary = `cannot change what is frozen: ${folder}: ${why(error)}`;
    const hint = 'only whoever owns that folder may: root, or the user whose services these are';
    throw new Failure({ code: 'decisions-unwritable', summary, hint });
  }
}

/** ms */
const PATIENCE = 10_000;

async function tell(
  context: Context,
  options: Options,
  changed: Omit<Frozen, 'daemon'>,
  cause: string,
): Promise<number> {
  const frozen = { ...changed, daemon: await nudged(context, cause) };
  context.out(options.json ? `${JSON.stringify(frozenJson(frozen), null, 2)}\n` : frozenText(frozen));
  return 0;
}

/** Is there a daemon, and has it heard that something was decided? */
async function nudged({ config, note }: Context, cause: string): Promise<boolean> {
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
async function desiredOf(config: Config): Promise<Desired> {
  try {
    return await loadDesired(config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const last = readLastGood(config.stateDir, config.desiredState);
    if (last === undefined) throw error;
    return last;
  }
}

/** The services of a group; of a service nothing. Fails for what is neither. */
function membersOf(name: string, { services }: Desired): readonly string[] {
  if (name === '*' || services.some((service) => service.name === name)) return [];
  const members = services.filter(({ group }) => `${group}:*` === name).map((service) => service.name);
  if (members.length > 0) return [...new Set(members)];
  if (services.some(({ id }) => id === name))
    throw usage(
      `cannot freeze ${name} alone`,
      `all instances are frozen together: reconcile freeze ${name.split('@')[0]}`,
    );
  const groups = services.flatMap(({ group }) => (group === undefined ? [] : [`${group}:*`]));
  const near = closest(name, [...services.map((service) => service.name), ...groups]);
  const hint = near === undefined ? '`reconcile status` shows what there is' : `did you mean '${near}'?`;
  throw new Failure({ code: 'unknown-service', summary: `cannot freeze '${name}': no service is called so`, hint });
}

function notFrozen(name: string, frozen: readonly string[]) {
  const hint = frozen.length === 0 ? 'nothing is' : `frozen are: ${frozen.map((one) => `'${one}'`).join(', ')}`;
  return { code: 'not-frozen', summary: `cannot unfreeze '${name}': it is not frozen by that name`, hint };
}

function endOf({ for: long, until }: Options, now: number): number | undefined {
  if (long !== undefined && until !== undefined) throw usage('cannot use --for with --until', 'give one of them');
  if (long !== undefined) {
    const ms = parseDuration(long);
    if (ms === undefined || ms === 0) throw usage(`cannot freeze for '${long}'`, 'give a time such as 2h or 1d12h');
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
  if (at <= now) throw usage(`cannot freeze until ${until}: that is over`, `it is ${new Date(now).toISOString()} now`);
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

function usage(summary: string, hint: string): Failure {
  return new Failure({ code: 'usage', summary, hint });
}
