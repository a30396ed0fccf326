import { readIfThere } from '../../host/files.ts';
import { type ProcessRef, statOf } from '../../host/procfs.ts';
import { Failure, type Problem, unreachable } from '../../problem.ts';
import { nameOfThing, type Thing } from '../../thing.ts';
import { createChildren } from './children.ts';
import type { SupervisordConfig } from './config-file.ts';
import type { Section } from './ini.ts';
import { type Place, placeOf } from './place.ts';
import { findSupervisord, type Presence } from './presence.ts';
import type { ProgramOptions } from './programs.ts';
import { partsOf } from './programs-file.ts';
import type { ProcessInfo } from './rpc.ts';

export type ProgramThing = Extract<Thing, { kind: 'program' }>;

/** What a configuration says of a program. */
export interface Sought {
  /** Undefined where there is none: a supervisord may have one all the same that has not read its files since. */
  readonly said: { readonly section: Section; readonly options: ProgramOptions } | undefined;
  /** Native groups that it may be in. */
  readonly groups: readonly string[];
  /** Of its processes. */
  readonly names: readonly string[];
  /** It is one of several processes of its program: what is said of that is said of the others too. */
  readonly isPart: boolean;
}

/**
 * The program of a thing, which may be called by its group as well, as supervisorctl does: `dolphin:trader`; or one of its
 * processes, as supervisord calls it: `worker:worker_01`.
 */
export function programIn(read: SupervisordConfig, { program }: ProgramThing): Sought {
  const colon = program.lastIndexOf(':');
  const [group, name] = [program.slice(0, Math.max(0, colon)), program.slice(colon + 1)];
  const found = read.groups
    .filter((each) => group === '' || each.name === group)
    .flatMap((each) => each.programs.map((one) => ({ ...one, group: each.name })))
    .filter((one) => one.name === name);
  const [first] = found;
  if (first === undefined) {
    const one = processIn(read, group, name);
    if (one !== undefined) return one;
  }
  return {
    said: first === undefined ? undefined : { section: first.section, options: first.options },
    groups: [...new Set([...found.map((one) => one.group), group || name])],
    names: first === undefined ? [name] : first.processes.map((process) => process.name),
    isPart: false,
  };
}

function processIn({ groups }: SupervisordConfig, group: string, name: string): Sought | undefined {
  for (const each of groups) {
    if (each.name !== group) continue;
    const program = each.programs.find(({ processes }) => processes.some((process) => process.name === name));
    if (program === undefined) continue;
    const { section, options, processes } = program;
    return { said: { section, options }, groups: [group], names: [name], isPart: processes.length > 1 };
  }
  return undefined;
}

/** Reads a configuration. Throws where a program that is not found may be there all the same, and what is ours. */
export function demandProgram(thing: ProgramThing, read: SupervisordConfig): Sought {
  const sought = programIn(read, thing);
  if (sought.said === undefined) {
    const [problem] = read.problems.filter(({ file }) => !(file === read.path && readIfThere(read.path) === undefined));
    if (problem !== undefined) throw new Failure(problem);
    return sought;
  }
  const { path } = sought.said.section.source;
  if (isOurs(path, sought.said.section)) throw new Failure(own(thing, path));
  return sought;
}

/** Does it stand in a part of a file of programs that we have written, for whatever owner? */
function isOurs(path: string, section: Section): boolean {
  if (!/\/reconciled-[^/]+\.conf$/.test(path)) return false;
  const { head, texts } = partsOf(readIfThere(path) ?? '');
  return texts.size > 0 && section.line > head.split('\n').length - 1;
}

function own(thing: ProgramThing, path: string): Problem {
  return {
    code: 'own-program',
    summary: `cannot take ${nameOfThing(thing)}: it is a declared service, written by reconciled into ${path}`,
    hint: 'what is declared is moved by its own file: change `supervisor` there, or name it in `formerly`',
  };
}

/** A supervisord, whether it runs, and the children of a program. */
export interface Reached {
  readonly place: Place;
  readonly presence: Presence;
}

export async function reach(config: string): Promise<Reached> {
  const instance = {
    name: config,
    supervisor: `supervisord/${config}`,
    file: '',
    config,
    include: '',
    allowInsecureSocket: true,
    owned: undefined,
  } as const;
  const place = placeOf(instance, '', false);
  return { place, presence: await findSupervisord(place) };
}

/** The main processes of a program; empty where its supervisord is down. */
export function mainsOf(presence: Presence, { groups, names }: Sought): readonly ProcessRef[] {
  if (!('pid' in presence)) return [];
  return createChildren()(presence.pid)
    .filter((child) => names.includes(child.name) && groups.includes(child.group))
    .map(({ pid, start }) => ({ pid, start }));
}

/** As supervisord tells it, where that is a child of its own: we may not look into the environment of every process. */
export function mainOf({ pid }: ProcessInfo, supervisord: number): ProcessRef | undefined {
  const stat = pid === 0 ? undefined : statOf(pid);
  return stat?.ppid === supervisord ? { pid, start: stat.start } : undefined;
}

/** What supervisord may call the processes of a program. */
export function fullNames({ groups, names }: Sought): readonly string[] {
  return groups.flatMap((group) => names.map((name) => `${group}:${name}`));
}

/** Why a supervisord can't be asked; undefined where it can, or is down with all that it ran. */
export function whyNotAsked(config: string, presence: Presence): string | undefined {
  const it = `the supervisord of ${config}`;
  switch (presence.kind) {
    case 'up':
    case 'gone':
      return undefined;
    case 'hung':
      return `${it} does not answer: its process ${presence.pid} ${presence.stopped ? 'was stopped by a signal' : 'hangs or is very busy'}`;
    case 'no-socket':
      return `${it} can't be asked: it runs as process ${presence.pid}, but nothing listens where its configuration says`;
    case 'leaving':
      return `${it} can't be asked: its state is ${presence.state}`;
    case 'refused':
      return `${it} can't be asked: ${presence.because}`;
    default:
      return unreachable(presence);
  }
}
