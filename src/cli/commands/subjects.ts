import { closest } from '../../closest.ts';
import type { Subject } from '../../duels/samples.ts';
import { programIn } from '../../duels/witness.ts';
import { loadDesired } from '../../engine.ts';
import { childPidsOf, commandOf, listPids } from '../../host/procfs.ts';
import { findUser } from '../../host/users.ts';
import type { Desired, Service } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { readConfig } from '../../supervisors/supervisord/config-file.ts';
import { unitOf } from '../../supervisors/systemd/names.ts';
import { nameOfThing, type Thing, thingsOf } from '../../thing.ts';
import type { Context } from '../context.ts';
import { showUnit, unitNames } from './own-restarts.ts';

/**
 * What is to be watched for a name: a declared service with all that it takes the place of, a unit (`x.service`), or a
 * program of any supervisord (`group:name`). Fails where there is nothing of that name.
 */
export async function subjectsOf(context: Context, name: string): Promise<readonly Subject[]> {
  const { desired, failure } = await desiredOf(context);
  const services = (desired?.services ?? []).filter((service) => service.id === name || service.name === name);
  if (desired !== undefined && services.length > 0) {
    const found = await Promise.all(services.map((service) => subjectsFor(service, desired)));
    return [...new Map(found.flat().map((subject) => [subject.name, subject])).values()];
  }
  const user = process.getuid?.() !== 0;
  if (name.endsWith('.service')) {
    const state = await showUnit(name, user, 'LoadState');
    if (state !== '' && state !== 'not-found') return [{ name, handle: { kind: 'unit', unit: name, user } }];
    throw unknownName(name, 'unit', await unitNames(user));
  }
  if (name.includes(':')) {
    const programs = programsOf(desired);
    const [group = '', program = ''] = name.split(':', 2);
    const exact = programs.filter((one) => one.group === group && one.program === program);
    if (exact.length > 0) return exact.map((one) => programSubject(one, exact.length > 1));
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

async function subjectsFor(service: Service, desired: Desired): Promise<readonly Subject[]> {
  const superseded = await Promise.all(thingsOf(service.written).map(subjectOfThing));
  return [ownSubject(service, desired), ...superseded.flat()];
}

function ownSubject(service: Service, { policy, instances }: Desired): Subject {
  const { id, supervisor } = service;
  const user = process.getuid?.() !== 0;
  if (supervisor === 'builtin') return { name: id, handle: { kind: 'stamp', owner: policy.owner, id } };
  if (supervisor === 'systemd') {
    const unit = unitOf(service);
    return { name: unit, handle: { kind: 'unit', unit, user } };
  }
  const instance = instances.find((one) => one.supervisor === supervisor);
  const config = instance?.config;
  const server = instance?.owned === undefined ? serverOf(config) : `unix://${instance.owned.socket.path}`;
  return programSubject({ group: id, program: id, config, server }, false);
}

async function subjectOfThing(thing: Thing): Promise<readonly Subject[]> {
  switch (thing.kind) {
    case 'unit': {
      const user = process.getuid?.() !== 0;
      return [{ name: thing.unit, handle: { kind: 'unit', unit: thing.unit, user } }];
    }
    case 'program': {
      const { config } = thing;
      const [before, after] = thing.program.split(':', 2) as [string, string?];
      const found = programsIn(config).find(
        (one) => one.program === (after ?? before) && (after === undefined || one.group === before),
      );
      const bare = { group: before, program: after ?? before, config, server: serverOf(config) };
      return [programSubject(found ?? bare, false)];
    }
    case 'process': {
      const uid = thing.user === undefined ? undefined : (await findUser(thing.user))?.uid;
      const handle = { kind: 'process', argv: thing.command, ...(uid === undefined ? {} : { uid }) } as const;
      return [{ name: nameOfThing(thing), handle }];
    }
    // They have no process that lasts.
    case 'timer':
    case 'cron':
      return [];
  }
}

interface Program {
  readonly group: string;
  readonly program: string;
  readonly config: string | undefined;
  readonly server: string | undefined;
}

function programSubject({ group, program, config, server }: Program, several: boolean): Subject {
  const where = several ? ` of ${server ?? config ?? 'another supervisord'}` : '';
  const known = { ...(config === undefined ? {} : { config }), ...(server === undefined ? {} : { server }) };
  return { name: `program ${group}:${program}${where}`, handle: { kind: 'program', group, program, ...known } };
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

function programsIn(config: string): readonly Program[] {
  const server = serverOf(config);
  return readConfig(config).groups.flatMap(({ name: group, programs }) =>
    programs.flatMap(({ processes }) => processes.map(({ name }) => ({ group, program: name, config, server }))),
  );
}

/** As supervisord names itself to its programs. */
function serverOf(config: string | undefined): string | undefined {
  if (config === undefined) return undefined;
  const listener = readConfig(config).listeners.find(({ kind }) => kind === 'unix');
  return listener?.kind === 'unix' ? `unix://${listener.path}` : undefined;
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
