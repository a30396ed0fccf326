import { closest } from '../../closest.ts';
import { showUnit, unitNames } from '../../duels/own-restarts.ts';
import type { Subject } from '../../duels/samples.ts';
import { type Program, programSubject, subjectsFor, unitSubject } from '../../duels/subjects.ts';
import { programIn } from '../../duels/witness.ts';
import { loadDesired } from '../../engine.ts';
import { namesHere, programsIn } from '../../handover/duels.ts';
import { childPidsOf, commandOf, listPids } from '../../host/procfs.ts';
import type { Desired } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { thingsOf } from '../../thing.ts';
import type { Context } from '../context.ts';

/**
 * What is to be watched for a name: a declared service with all that it takes the place of, a unit (`x.service`), or a
 * program of any supervisord (`group:name`). Fails where there is nothing of that name.
 */
export async function subjectsOf(context: Context, name: string): Promise<readonly Subject[]> {
  const { desired, failure } = await desiredOf(context);
  const services = (desired?.services ?? []).filter((service) => service.id === name || service.name === name);
  if (desired !== undefined && services.length > 0) {
    const found = await Promise.all(services.map((service) => subjectsFor(service, desired, namesHere())));
    return [...new Map(found.flat().map((subject) => [subject.name, subject])).values()];
  }
  const user = process.getuid?.() !== 0;
  if (name.endsWith('.service')) {
    const state = await showUnit(name, user, 'LoadState');
    if (state !== '' && state !== 'not-found') return [unitSubject(name, { user })];
    throw unknownName(name, 'unit', await unitNames(user));
  }
  if (name.includes(':')) {
    const programs = programsOf(desired);
    const [group = '', program = ''] = name.split(':', 2);
    const exact = programs.filter((one) => one.group === group && one.program === program);
    if (exact.length > 0) return exact.map((one) => programSubject(one, exact.length > 1 ? whereOf(one) : undefined));
    throw unknownName(
      name,
      'program',
      programs.map((one) => `${one.group}:${one.program}`),
    );
  }
  // What it could not be looked up in may well declare it.
  if (failure !== undefined) throw failure;
  throw unknownName(
    name,
    'service',
    (desired?.services ?? []).flatMap(({ id, name }) => [id, name]),
  );
}

/** A unit or a program can be watched without any desired state. */
async function desiredOf({ config }: Context): Promise<{ readonly desired?: Desired; readonly failure?: Failure }> {
  try {
    return { desired: await loadDesired(config) };
  } catch (error) {
    if (error instanceof Failure) return { failure: error };
    throw error;
  }
}

function unknownName(name: string, what: string, known: readonly string[]): Failure {
  const near = closest(name, known);
  const hint =
    near !== undefined
      ? `did you mean '${near}'?`
      : 'give a declared service, a unit (`web.service`) or a program of supervisord (`group:name`)';
  return new Failure({ code: `unknown-${what}`, summary: `cannot watch '${name}': there is no such ${what}`, hint });
}

/** Every program of a supervisord that is declared, or runs something here. */
function programsOf(desired: Desired | undefined): readonly Program[] {
  const configs = new Set((desired?.instances ?? []).map(({ config }) => config));
  for (const { written } of desired?.services ?? [])
    for (const thing of thingsOf(written)) if (thing.kind === 'program') configs.add(thing.config);
  const all = [...[...configs].flatMap(programsIn), ...runningPrograms()];
  const unique = new Map<string, Program>();
  for (const one of all) {
    const key = `${one.group}:${one.program} ${one.server ?? ''}`;
    if (!unique.has(key)) unique.set(key, one);
  }
  return [...unique.values()];
}

function whereOf({ server, config }: Program): string {
  return server ?? config ?? 'another supervisord';
}

function runningPrograms(): readonly Program[] {
  const supervisords = listPids().filter((pid) =>
    commandOf(pid)
      .slice(0, 3)
      .some((word) => /(^|\/)supervisord$/.test(word)),
  );
  return supervisords.flatMap(childPidsOf).flatMap((pid) => {
    const found = programIn(pid);
    const [group = '', program = ''] = found?.name.split(':', 2) ?? [];
    return found === undefined ? [] : [{ group, program, config: undefined, server: found.server }];
  });
}
