import type { Fields, ServiceId, Step } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { parseStamp } from '../../stamp.ts';
import { settingsOf } from '../shared/settings.ts';
import type { Child } from './children.ts';
import { Fault, unless } from './fault.ts';
import { mayBeIn, poolNameOf, poolOf } from './pool.ts';
import { readProgram } from './program-text.ts';
import { NO_PARTS, programsFile, readParts } from './programs-file.ts';
import type { ProcessInfo } from './rpc.ts';
import { isUp } from './runs.ts';
import type { StepContext } from './steps.ts';
import { stopped } from './waiting.ts';

/**
 * Makes supervisord hold what the file says of a pool. What it holds already is left as it is, whatever staged settings
 * differ: else one that is started would take down the others. A step that says that these go with it (`together`) has it
 * held anew where it differs, and starts again what ran of it; so does one where none of them runs, and none would start by
 * itself.
 */
export async function loadPool(context: StepContext, step: Step, pool: string): Promise<void> {
  const { link, reread } = context;
  const rpc = link.rpc();
  const { service: id, together, target } = step;
  const timeout = patienceOf(step);
  const members = [id, ...(together ?? [])];
  // Once each was in a group of its own: nothing runs twice.
  const apart = await leaveOwnGroups(context, members, timeout);
  for (const member of members) link.learn(member, pool);
  const { changed } = await reread();
  const isHeld = await rpc.addProcessGroup(pool).then(() => false, isAlreadyAdded);
  const ran = new Set(apart);
  const rests = () => target?.service.autostart === false && livingIn(context, pool).length === 0;
  if (isHeld && changed.includes(pool) && (together !== undefined || rests())) {
    const infos = await link.infos(members);
    for (const [i, member] of members.entries()) if (runs(infos[i])) ran.add(member);
    await rpc.stopProcessGroup(pool).catch(unless('BAD_NAME'));
    await removed(context, pool, timeout);
    await rpc.addProcessGroup(pool);
  }
  ran.delete(id);
  for (const member of ran)
    await rpc.startProcess(link.nameOf(member)).catch(unless('ALREADY_STARTED', 'SPAWN_ERROR', 'BAD_NAME'));
}

/** Why one can't be started alone as it is to be: undefined where it can. The others are of what supervisord holds. */
export async function whyNotAlone(context: StepContext, step: Step): Promise<string | undefined> {
  const { hash, pool } = step.target?.definition ?? {};
  if (pool === undefined || step.together !== undefined || isForHealth(step)) return undefined;
  const living = livingIn(context, pool);
  if (living.length === 0 || living.some((child) => hashIn(child) === hash)) return undefined;
  const { changed } = await context.reread();
  return changed.includes(pool) ? OLDER : undefined;
}

/** Why what runs by now is not what was to be started; undefined where it is. */
export function whyOther({ link }: StepContext, step: Step): string | undefined {
  const { hash, pool } = step.target?.definition ?? {};
  const child = pool === undefined || isForHealth(step) ? undefined : link.children().get(step.service);
  return child === undefined || hashIn(child) === hash ? undefined : OLDER;
}

/** What is started anew to keep it well is what it was. */
function isForHealth({ reason }: Step): boolean {
  return reason.kind === 'unhealthy';
}

const OLDER = 'supervisord still holds another definition of its pool, which is loaded when all of it is restarted';

function livingIn({ link }: StepContext, pool: string): readonly Child[] {
  return [...link.children().values()].filter(({ group }) => group === pool);
}

function hashIn({ stamp }: Child): string | undefined {
  return parseStamp(stamp ?? '')?.hash;
}

/** What a service's instance is in no more: ended there, and the pool removed with the last of them. */
export async function leavePool(context: StepContext, step: Step): Promise<void> {
  const { link } = context;
  const { service: id } = step;
  const pool = poolNameOf(id);
  link.learn(id, undefined);
  if (pool === undefined) return;
  await end(context, `${pool}:${id}`, patienceOf(step));
  await link.rpc().removeProcessGroup(pool).catch(unless('BAD_NAME', 'STILL_RUNNING'));
}

/** Of a pool whose parts are gone from the file nothing is to be held; the others of it go by themselves. */
export async function removePool({ link, owner }: StepContext, pool: string): Promise<void> {
  const { texts } = readParts(programsFile(link.instance, owner)) ?? NO_PARTS;
  const isLeft = [...texts].some(([id, text]) => mayBeIn(id, pool) && poolOf(id, fieldsIn(text)) === pool);
  if (!isLeft) await link.rpc().removeProcessGroup(pool).catch(unless('BAD_NAME', 'STILL_RUNNING'));
}

function fieldsIn(text: string): Fields {
  return readProgram(text)?.fields ?? {};
}

/** Gives those that ran. */
async function leaveOwnGroups(
  context: StepContext,
  members: readonly ServiceId[],
  timeout: number,
): Promise<readonly ServiceId[]> {
  const rpc = context.link.rpc();
  const infos = await rpc.processInfo(members.map((member) => `${member}:${member}`));
  const apart = members.filter((_, i) => infos[i] !== undefined);
  const ran = members.filter((_, i) => runs(infos[i]));
  for (const member of ran) await rpc.stopProcess(`${member}:${member}`).catch(unless('NOT_RUNNING', 'BAD_NAME'));
  for (const member of apart) {
    await end(context, `${member}:${member}`, timeout);
    await rpc.removeProcessGroup(member).catch(unless('BAD_NAME'));
  }
  return ran;
}

/** Ends what runs by a name, if anything does. Throws where it does not end. */
async function end({ link, wake }: StepContext, name: string, timeout: number): Promise<void> {
  const rpc = link.rpc();
  const ask = async () => (await rpc.processInfo([name]))[0];
  const info = await ask();
  if (info === undefined) return;
  if (isUp(info)) await rpc.stopProcess(name).catch(unless('NOT_RUNNING', 'BAD_NAME'));
  const isOver = async () => ((await ask())?.pid ?? 0) === 0;
  if ((await stopped(isOver, wake, timeout, NEVER)) === 'alive') throw notEnded(name);
}

async function removed({ link, wake }: StepContext, pool: string, timeout: number): Promise<void> {
  const remove = async () => {
    const isGone = await link
      .rpc()
      .removeProcessGroup(pool)
      .catch(unless('BAD_NAME'))
      .then(() => true, unless('STILL_RUNNING'));
    return isGone === true;
  };
  if ((await stopped(remove, wake, timeout, NEVER)) === 'alive') throw notEnded(pool);
}

function notEnded(name: string): Failure {
  return new Failure({
    code: 'not-ended',
    summary: `${name} did not end, though supervisord was asked to stop it`,
    hint: 'see what it waits for; `reconcile` goes on from here',
  });
}

/** Half of it is worse than late. */
const NEVER = new AbortController().signal;

function patienceOf({ target }: Step): number {
  return settingsOf('', target?.definition.fields ?? {}, '/').rules.stopTimeout;
}

function runs(info: ProcessInfo | undefined): boolean {
  return info !== undefined && isUp(info);
}

function isAlreadyAdded(error: unknown): true {
  if (error instanceof Fault && error.name === 'ALREADY_ADDED') return true;
  throw error;
}
