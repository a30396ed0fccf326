import { join } from 'node:path';
import { checkNames } from '../../check-names.ts';
import { ensureFolder } from '../../config.ts';
import { changeHolds, heldAlso, holdTimes, MOST_HOLDS, type PersonHold, readHolds } from '../../control/holds.ts';
import { expandGroups } from '../../groups.ts';
import type { Desired } from '../../model.ts';
import { releaseBreaker } from '../../restarts/decision.ts';
import type { Context, Options } from '../context.ts';
import { holdsJson, holdsText } from '../views/holds.ts';
import { overriding, run } from './apply.ts';
import { byWhom, desiredNow, endOf, nudged, reasonOf, usage } from './lease.ts';
import { named, typed } from './named.ts';

/** `reconcile hold NAME… --reason TEXT`: nothing is done to them, whatever happens, until it ends. */
export async function holdCommand(context: Context, options: Options): Promise<number> {
  const { stateDir } = context.config;
  const why = reasonOf(options, 'hold');
  const by = byWhom(options);
  const since = Date.now();
  const desired = await desiredNow(context.config);
  const names = namesIn(options.names ?? [], desired);
  const until = untilOf(options, desired, since, 'hold');
  ensureFolders(stateDir);
  const all = await changeHolds(stateDir, (before) => {
    const after = heldAlso(
      before.filter((hold) => hold.until > since),
      names.map((name): PersonHold => ({ name, by, why, since, until })),
    );
    if (after.length > MOST_HOLDS)
      throw usage(`cannot hold more than ${MOST_HOLDS} services`, 'freeze groups, or everything: reconcile freeze');
    return after;
  });
  const daemon = await nudged(context, `${by} holds ${names.join(', ')}`);
  const under = desired.services.filter(({ id, name }) => names.includes(name) || names.includes(id));
  const told = { now: all, names, daemon, supervisors: under.map(({ supervisor }) => supervisor) };
  context.out(options.json ? `${JSON.stringify(holdsJson(told), null, 2)}\n` : holdsText(told));
  return 0;
}

/** `reconcile release NAME…`: they are as Git says from now on; `--breaker`: restarts and changes go on by themselves. */
export async function releaseCommand(context: Context, options: Options): Promise<number> {
  const names = options.names ?? [];
  if (names.length === 0 && options.breaker !== true)
    throw usage('cannot release nothing', 'name services, or say --breaker');
  if (options.breaker === true) {
    const closed = releaseBreaker(context.config.stateDir);
    await nudged(context, 'the breaker was closed by hand');
    context.note(closed ? 'The breaker is closed: restarts and changes go on.\n' : 'The breaker was not open.\n');
    if (names.length === 0) {
      if (options.json) context.out(`${JSON.stringify({ breaker: closed ? 'closed' : 'was closed' })}\n`);
      return 0;
    }
  }
  return goingOn(
    context,
    () => true,
    () => run(context, options, { only: names, asked: [], release: names }),
  );
}

/** Says which services go on by that, where it is `worth` it. */
async function goingOn(
  { config: { stateDir }, note }: Context,
  worth: (code: number) => boolean,
  act: () => Promise<number>,
): Promise<number> {
  const before = readHolds(stateDir);
  const code = await act();
  const left = new Set(readHolds(stateDir).map(({ name }) => name));
  const ended = before.flatMap(({ name }) => (left.has(name) ? [] : [name]));
  if (ended.length > 0 && worth(code)) note(`No longer left alone: ${ended.join(', ')}.\n`);
  return code;
}

/** What could not be done now is no longer left alone all the same. */
const inVain = (code: number) => code !== 0;

/** `reconcile stop NAME…`: now, under whatever runs it, and it stays so until the hold that this is ends. */
export async function stopCommand(context: Context, options: Options): Promise<number> {
  const desired = await desiredNow(context.config);
  const names = named(context, options, desired, { verb: 'stop', runners: true });
  const by = byWhom(options);
  const until = untilOf(options, desired, Date.now(), 'stop');
  const why = options.reason === undefined ? 'stopped by hand' : reasonOf(options, 'stop');
  const code = await run(context, options, {
    ...{ only: names, asked: [], stop: { names, until, why, by } },
    ...overriding(options.override),
  });
  if (code === 0)
    context.note(
      `Left stopped until ${new Date(until).toISOString().replace(/\.[0-9]+Z$/, 'Z')}; to start again before that: reconcile start ${typed(options)}\n`,
    );
  return code;
}

/** `reconcile restart NAME…`: a new process, from what Git says. */
export async function restartCommand(context: Context, options: Options): Promise<number> {
  const names = named(context, options, await desiredNow(context.config), { verb: 'restart', starts: true });
  return goingOn(context, inVain, () =>
    run(context, options, { only: names, asked: [], restart: names, ...overriding(options.override) }),
  );
}

/** `reconcile start NAME…`: a person's word that these may start now. */
export async function startCommand(context: Context, options: Options): Promise<number> {
  const deed = { verb: 'start', starts: true, runners: true } as const;
  const names = named(context, options, await desiredNow(context.config), deed);
  return goingOn(context, inVain, () =>
    run(context, options, {
      ...{ only: names, asked: names, claim: options.claim === true },
      ...overriding(options.override),
    }),
  );
}

/** With those of groups; fails for what no service is called. */
function namesIn(names: readonly string[], desired: Desired): readonly string[] {
  const all = expandGroups(names, desired.services);
  checkNames(desired, new Map(), { only: all, asked: [] });
  return all;
}

function untilOf(options: Options, { policy }: Desired, now: number, what: string): number {
  return endOf(options, now, what) ?? now + holdTimes(policy.written).long;
}

function ensureFolders(stateDir: string): void {
  ensureFolder(stateDir);
  ensureFolder(join(stateDir, 'decisions'));
}
