import { findUser } from '../host/users.ts';
import type { Desired, Service } from '../model.ts';
import { nameOfThing, type Thing, thingsOf } from '../thing.ts';
import type { Subject } from './samples.ts';

/** A program of a supervisord, as its configuration or its environment names it. */
export interface Program {
  readonly group: string;
  readonly program: string;
  readonly config: string | undefined;
  /** The URL of its socket, as supervisord names itself to its programs. */
  readonly server: string | undefined;
}

/** What supervisors know of names. */
export interface Names {
  /** The units are of the user's own manager. */
  readonly user: boolean;
  unitOf(service: Service): string;
  /** All programs of a supervisord's configuration. */
  programsIn(config: string): readonly Program[];
  serverOf(config: string): string | undefined;
}

/** What is to be watched for a service: its own main process, and those of all that it takes the place of. */
export async function subjectsFor(service: Service, desired: Desired, names: Names): Promise<readonly Subject[]> {
  const superseded = await Promise.all(thingsOf(service.written).map((thing) => subjectOfThing(thing, names)));
  return [ownSubject(service, desired, names), ...superseded.flat()];
}

export function ownSubject(service: Service, { policy, instances }: Desired, names: Names): Subject {
  const { id, supervisor } = service;
  if (supervisor === 'builtin') return { name: id, handle: { kind: 'stamp', owner: policy.owner, id } };
  if (supervisor === 'systemd') return unitSubject(names.unitOf(service), names);
  const instance = instances.find((one) => one.supervisor === supervisor);
  const config = instance?.config;
  const socket = instance?.owned?.socket.path;
  const server = socket !== undefined ? `unix://${socket}` : config === undefined ? undefined : names.serverOf(config);
  return programSubject({ group: id, program: id, config, server });
}

export function unitSubject(unit: string, { user }: Pick<Names, 'user'>): Subject {
  return { name: unit, handle: { kind: 'unit', unit, user } };
}

/** `where`: which of several supervisords with a program of that name, for people. */
export function programSubject({ group, program, config, server }: Program, where?: string): Subject {
  const known = { ...(config === undefined ? {} : { config }), ...(server === undefined ? {} : { server }) };
  const name = `program ${group}:${program}${where === undefined ? '' : ` of ${where}`}`;
  return { name, handle: { kind: 'program', group, program, ...known } };
}

async function subjectOfThing(thing: Thing, names: Names): Promise<readonly Subject[]> {
  switch (thing.kind) {
    case 'unit':
      return [unitSubject(thing.unit, names)];
    case 'program': {
      const { config } = thing;
      const [first = '', second] = thing.program.split(':', 2);
      const program = second ?? first;
      const isIt = (one: Program) => one.program === program && (second === undefined || one.group === first);
      const found = names.programsIn(config).find(isIt);
      return [programSubject(found ?? { group: first, program, config, server: names.serverOf(config) })];
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
