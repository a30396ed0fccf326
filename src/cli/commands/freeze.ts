import { join } from 'node:path';
import { closest } from '../../closest.ts';
import { type Config, ensureFolder } from '../../config.ts';
import { type Freeze, frozenAlso, MOST_FREEZES, readFreezes, saveFreezes } from '../../control/freeze.ts';
import { takeLock } from '../../host/lock.ts';
import type { Desired } from '../../model.ts';
import { Failure, why } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
import { type Frozen, frozenJson, frozenText } from '../views/control.ts';
import { byWhom, desiredNow, endOf, nudged, person, reasonOf, usage } from './lease.ts';

/** `reconcile freeze [NAME…] --reason TEXT`: nothing is changed there until it ends. */
export async function freezeCommand(context: Context, options: Options): Promise<number> {
  const now = Date.now();
  const reason = reasonOf(options, 'freeze');
  const until = endOf(options, now, 'freeze');
  const names = options.names?.length ? [...new Set(options.names)] : ['*'];
  const by = byWhom(options);
  const desired = names.every((name) => name === '*') ? undefined : await desiredNow(context.config);
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
