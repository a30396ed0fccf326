import { expandGroups, unknownName } from '../groups.ts';
import type { Desired, Service, Touch } from '../model.ts';
import { Failure, type Problem } from '../problem.ts';

/** A service that is to be touched, and whether it was named itself, or with a group or by a pattern. */
export interface Chosen {
  readonly service: Service;
  readonly itself: boolean;
}

/**
 * The services that a person names. Of a pattern or a group those are meant that may run; a supervisord of ours, whose
 * programs would not notice, only where it is named. Fails for whom nobody knows.
 */
export function choose(names: readonly string[], { services }: Desired): readonly Chosen[] {
  const itself = new Set(names.flatMap((name) => (name.includes(':') ? expandIfOne(name, services) : [name])));
  const able = services.filter(
    ({ id, name, state, runs }) => itself.has(id) || itself.has(name) || (state !== 'absent' && runs === undefined),
  );
  const ids = new Set(expandGroups(names, able));
  const known = new Set(able.flatMap(({ id, name }) => [id, name]));
  const unknown = [...ids].filter((id) => !known.has(id));
  if (unknown.length > 0) throw new Failure(...unknown.map((name) => unknownName(name, services)));
  return able
    .filter(({ id, name }) => ids.has(id) || ids.has(name))
    .map((service) => ({ service, itself: itself.has(service.id) || itself.has(service.name) }));
}

/** `GROUP:NAME` names one service itself. */
function expandIfOne(name: string, services: readonly Service[]): readonly string[] {
  return /[*?[]/.test(name) ? [] : expandGroups([name], services);
}

/** What ends a process that was not made for it, and what nobody tells a process but to end it. */
const ENDING: ReadonlySet<string> = new Set(
  ['KILL', 'TERM', 'INT', 'QUIT', 'ABRT', 'SEGV', 'BUS', 'FPE', 'ILL', 'SYS', 'TRAP'].map((name) => `SIG${name}`),
);
/** What has it stand still until CONT. */
const HALTING: ReadonlySet<string> = new Set(['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU']);

/** Is it meant to end: always where it is what a stop of the service begins with? */
export function ends(touch: Touch, { written }: Pick<Service, 'written'>): boolean {
  if (touch.kind !== 'signal') return false;
  return ENDING.has(touch.signal) || touch.signal === `SIG${written.stop?.signal ?? 'TERM'}`;
}

/** Why a signal is better not sent; undefined where nothing speaks against it. */
export function advice(touch: Touch, { id, written }: Pick<Service, 'id' | 'written'>): Problem | undefined {
  if (touch.kind !== 'signal') return undefined;
  const { signal } = touch;
  const code = 'use-stop';
  if (HALTING.has(signal)) {
    const summary = `cannot send ${signal} to ${id}: it would stand still until SIGCONT, and look to be running`;
    return {
      code,
      summary,
      hint: `\`reconcile stop ${id}\` stops it and has it left so; --force sends it all the same`,
    };
  }
  if (!ends(touch, { written })) return undefined;
  const policy = written.restart?.policy ?? (written.unit === undefined ? 'always' : undefined);
  const what = policy === 'never' ? 'nobody would start it again' : 'it would be taken for a crash, and started again';
  const summary = `cannot send ${signal} to ${id}: that ends it, and ${what}${policy === undefined ? ' or not, as its unit says' : ''}`;
  const hint = `\`reconcile stop ${id}\` stops it and has it left so, \`reconcile restart ${id}\` gives it a new process; --force sends it all the same`;
  return { code, summary, hint };
}
