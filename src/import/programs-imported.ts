import { commandWords } from '../supervisors/supervisord/command-words.ts';
import type { Option, Section } from '../supervisors/supervisord/ini.ts';
import type { Group } from '../supervisors/supervisord/native-groups.ts';
import type { Process, Program } from '../supervisors/supervisord/programs.ts';
import type { Imported, Loss, Origin } from './found.ts';
import type { IsSecret } from './programs-environment.ts';
import { secretsAmong } from './programs-environment.ts';
import { idleOf, lossOf, shownValue, unheardIn } from './programs-losses.ts';
import { textOf, type WellRead } from './programs-read.ts';
import { serviceOf } from './programs-service.ts';
import { freeName, nameFor } from './service-names.ts';

export interface ImportedAround {
  readonly read: WellRead;
  readonly group: Group;
  readonly origin: Extract<Origin, { kind: 'program' }>;
  readonly priority: number;
  /** Those that are taken; what is made here is added. */
  readonly names: Set<string>;
  readonly supervisor: string;
  readonly logDir: string;
  readonly path: string | undefined;
  readonly isSecret: IsSecret;
}

/** The services of a program: one for each of its processes, or one with as many instances where these are a pool. */
export function importedOf(program: Program, around: ImportedAround): readonly Imported[] {
  const { read, group, names } = around;
  const { section, processes } = program;
  const written = writtenIn(section, read);
  const pooled = processes.length > 1 && group.kind !== 'group' && group.kind !== 'program';
  const whole = pooled ? wholeOf(program) : undefined;
  const made = whole?.processes ?? (pooled ? processes.slice(0, 1) : processes);
  const single = made.length === 1;
  const losses = lossesOf(program, around, written, pooled && whole === undefined);
  for (const option of written) {
    const why = whole?.lost.get(option.name);
    if (why !== undefined) losses.push(lossOf(option, why));
  }
  return made.map((process, i): Imported => {
    const name = freeName(wantedName(program, process, group, single, names), (each) => names.has(each));
    names.add(name);
    const own = secretsAmong(process.environment);
    const isSecret = (text: string) => around.isSecret(text) || own(text);
    const command = commandWords(process.command) ?? [];
    const { service, secrets, comments, ...more } = serviceOf(whole ?? program, process, command, {
      ...around,
      config: read.config,
      cwd: read.cwd,
      name,
      isSecret,
      written,
      textOf: (option) => textOf(read, section, option, { program: program.name, group: group.name }),
    });
    const [value = program.name] = [process.name];
    const head = [
      ...(single ? [] : [`Process ${value}, ${i + 1} of ${made.length} of it.`]),
      ...(!single && areEqual(made) ? [alike(made.length)] : []),
      ...(whole
        ? [`Its ${processes.length} processes are a pool (${shareOf(group)}): supervisord changes all at once.`]
        : []),
      ...losses.flatMap(said),
    ];
    return {
      kind: 'imported',
      origin: {
        ...around.origin,
        ...thingOf(process, single, around),
        processes: whole === undefined ? [process.name] : processes.map((each) => each.name),
      },
      name,
      service: whole === undefined ? service : { ...service, instances: processes.length },
      comments: new Map([
        ...(head.length === 0 ? [] : [['', head.join('\n')] as const]),
        ...comments,
        ...wasWritten(written, comments, isSecret),
      ]),
      secrets,
      // What is about all of them is told once.
      losses: [...(i === 0 ? losses : []), ...more.losses],
    };
  });
}

const APART = 'each of its processes logs to a file of its own: ours does to one of the log folder';
const SHARED = 'its processes log to one file, which each rotates by itself: ours have one each, with its number';

/**
 * A pool as one process that stands for all, and the options of its logs that this can't say (`lost`); undefined where they
 * differ in more than their names and logs.
 */
function wholeOf(program: Program): (Program & { readonly lost: ReadonlyMap<string, string> }) | undefined {
  const { processes, options } = program;
  const isApart = (stream: 'stdout' | 'stderr') =>
    new Set(processes.map((process) => process[stream].logfile)).size > 1;
  const out = isApart('stdout') || processes[0]?.stdout.logfile === 'AUTO';
  // Into which file the one is redirected could only be said by naming it, and then for all.
  const redirected = options.redirect_stderr && out;
  const err = redirected || isApart('stderr');
  const common = processes.map((process) => ({
    ...process,
    ...(out ? { stdout: { ...process.stdout, logfile: 'AUTO' } } : {}),
    ...(err ? { stderr: { ...process.stderr, logfile: 'AUTO' } } : {}),
  }));
  if (!areEqual(common)) return undefined;
  const [process] = common;
  const lost = new Map<string, string>();
  for (const stream of ['stdout', 'stderr'] as const) {
    const option = `${stream}_logfile`;
    if (isApart(stream)) lost.set(option, APART);
    else if (isFile(process?.[stream].logfile)) lost.set(option, SHARED);
  }
  if (redirected) lost.set('redirect_stderr', APART);
  return {
    ...program,
    processes: common.slice(0, 1),
    options: redirected ? { ...options, redirect_stderr: false } : options,
    lost,
  };
}

function isFile(path = 'NONE'): boolean {
  return path !== 'AUTO' && path !== 'NONE' && !path.startsWith('/dev/');
}

/** What its section says, and what is said for all sections, in its order. */
function writtenIn(section: Section, { config }: WellRead): readonly Option[] {
  const own = [...section.options.values()];
  return [...own, ...[...config.defaults.values()].filter(({ name }) => !section.options.has(name))];
}

/** Nothing but their names tells them apart. */
function areEqual(processes: readonly Process[]): boolean {
  return new Set(processes.map(({ name: _, ...all }) => JSON.stringify(all))).size === 1;
}

function alike(count: number): string {
  return `All are the same: once they are taken over, one file with \`instances: ${count}\` would do, with a log for each.`;
}

/** Each takes the place of its own process, and of no other. */
function thingOf({ name }: Process, single: boolean, { group }: ImportedAround): { readonly thing?: string } {
  return single ? {} : { thing: `${group.name}:${name}` };
}

function wantedName(
  program: Program,
  { name }: Process,
  group: Group,
  single: boolean,
  names: ReadonlySet<string>,
): string {
  const base = nameFor(program.name);
  const process = nameFor(name);
  const wanted = single ? base : process.includes(base) ? process : nameFor(`${base}-${process}`);
  return names.has(wanted) ? nameFor(`${group.name}-${wanted}`) : wanted;
}

/** Of the program as a whole. */
function lossesOf(
  { section, options }: Program,
  { read, group }: ImportedAround,
  written: readonly Option[],
  cut: boolean,
): Loss[] {
  const losses = [...(unheardIn(read.config).get(section.name) ?? [])];
  const numprocs = written.find(({ name }) => name === 'numprocs');
  if (cut && numprocs !== undefined) {
    const why = `its ${options.numprocs} processes are a pool (${shareOf(group)}) and differ in more than names and logs: ours is one`;
    losses.push(lossOf(numprocs, why));
  }
  if (group.kind === 'group' && section.name.startsWith('fcgi-program:')) {
    const why = 'in a group supervisord runs it as any program, without its socket';
    losses.push(...written.flatMap((option) => (option.name.startsWith('socket') ? [idleOf(option, why)] : [])));
  }
  return losses;
}

function shareOf({ kind }: Group): string {
  return kind === 'eventlistener' ? 'each event goes to one of them' : 'they share one socket';
}

/** What was believed to hold and never did is told where it is looked for. */
function said({ key, value, why, noEffect }: Loss): readonly string[] {
  return noEffect ? [`${key}=${value ?? ''}${why.slice('it'.length)}.`] : [];
}

const FIELDS: Readonly<Record<string, string>> = {
  command: 'command',
  directory: 'directory',
  user: 'user',
  stdout_logfile: 'logs',
};

/** How a value was written that has had its variables put in place. */
function wasWritten(
  written: readonly Option[],
  known: ReadonlyMap<string, string>,
  isSecret: IsSecret,
): readonly (readonly [field: string, comment: string])[] {
  return written.flatMap((option) => {
    const field = FIELDS[option.name];
    if (field === undefined || known.has(field) || !/%\(/.test(option.value) || isSecret(option.value)) return [];
    return [[field, `It was ${option.name}=${shownValue(option)}`] as const];
  });
}
