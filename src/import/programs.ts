import { basename, dirname } from 'node:path';
import { createProcessTable } from '../graph/processes.ts';
import { supervisordPlaces } from '../graph/programs.ts';
import { readIfThere } from '../host/files.ts';
import type { Problem } from '../problem.ts';
import { BASE_PATH } from '../supervisors/shared/environment.ts';
import { commandWords } from '../supervisors/supervisord/command-words.ts';
import type { SupervisordConfig } from '../supervisors/supervisord/config-file.ts';
import { positionOf, type Section } from '../supervisors/supervisord/ini.ts';
import { readMainConfig } from '../supervisors/supervisord/main-config.ts';
import type { Group } from '../supervisors/supervisord/native-groups.ts';
import type { Found, Origin, ProgramsFound } from './found.ts';
import { secretsAmong } from './programs-environment.ts';
import { importedOf } from './programs-imported.ts';
import { shownProblem } from './programs-losses.ts';
import { prioritiesOf } from './programs-order.ts';
import { lacksMain, MEND, type ReadOptions, readWell, templateIn, type WellRead } from './programs-read.ts';
import { supervisorOf } from './programs-supervisor.ts';
import { nameFor } from './service-names.ts';

export interface ProgramsOptions extends ReadOptions {
  /** Of the file in supervisors/. Default: made of the configuration's path. */
  readonly name?: string;
  /** Where services log that name no file. */
  readonly logDir: string;
}

/**
 * Makes services of the programs of a supervisord, each of which means the same to a supervisord of ours. Reads the
 * configuration with all that it includes, and /proc where its supervisord runs. Never throws.
 */
export function importPrograms(path: string, options: ProgramsOptions): ProgramsFound {
  const read = readWell(path, options);
  const { config } = read;
  const name = options.name ?? instanceName(config.path);
  const priorityOf = prioritiesOf(config.groups);
  const names = new Set<string>([`supervisord-${name}`]);
  const found: Found[] = [...read.refused];
  const isSecret = secretsAmong(config.server.environment, environmentNamed(read));
  for (const group of config.groups) {
    for (const program of group.programs) {
      const { section } = program;
      if (isOfRefused(section, read)) continue;
      const origin = originOf(config, group, program.name, section);
      const problem = problemOf(program.section, config) ?? cannotRun(program, origin);
      if (problem !== undefined) {
        found.push({ kind: 'refused', origin, problem: shownProblem(problem) });
        continue;
      }
      const around = { read, group, names, isSecret, supervisor: `supervisord/${name}`, logDir: options.logDir };
      const priority = priorityOf(group, program);
      found.push(...importedOf(program, { ...around, origin, priority, path: pathOf(read) }));
    }
  }
  const listed = new Set(config.groups.flatMap(({ programs }) => programs.map(({ section }) => section)));
  for (const section of config.sections.values()) {
    const isGroup = section.name.startsWith('group:');
    if (!isGroup && (!/^(program|eventlistener|fcgi-program):/.test(section.name) || listed.has(section))) continue;
    const problem = isOfRefused(section, read) ? undefined : problemOf(section, config);
    if (problem === undefined) continue;
    const [, stem = ''] = section.name.split(/:(.*)/s);
    const group = { kind: isGroup ? 'group' : 'program', name: stem } as const;
    found.push({ kind: 'refused', origin: originOf(config, group, stem, section), problem: shownProblem(problem) });
  }
  const isAny = found.some(({ kind }) => kind === 'imported');
  return { supervisor: isAny ? supervisorOf(read, name) : undefined, found, notices: noticesOf(read) };
}

/** Main files of every supervisord that runs here, or that a distribution has put in its place, but ours. */
export function supervisordConfigs(): readonly string[] {
  return supervisordPlaces([], createProcessTable()()).flatMap(({ config }) => {
    try {
      return readMainConfig(readIfThere(config) ?? '') === undefined ? [config] : [];
    } catch {
      // Not for us to see: reading it as a whole tells why.
      return [config];
    }
  });
}

/** `/etc/supervisor/dolphin.conf` is of `dolphin`, `/srv/app/supervisord.conf` of `app`, those of distributions of `main`. */
function instanceName(path: string): string {
  const stem = basename(path).replace(/\.[^.]*$/, '');
  if (!/^supervisord?$/i.test(stem)) return nameFor(stem);
  const folder = basename(dirname(path));
  return /^(etc|supervisord?|conf|config)?$/i.test(folder) ? 'main' : nameFor(folder);
}

function originOf(
  { path: config }: SupervisordConfig,
  { kind, name }: Pick<Group, 'kind' | 'name'>,
  program: string,
  section: Section,
): Extract<Origin, { kind: 'program' }> {
  const [group, thing] = kind === 'group' ? [name, `${name}:${program}`] : [program, program];
  return { kind: 'program', group, program, thing, processes: [], config, at: positionOf(section) };
}

/** Something of it is said in a file that was refused. */
function isOfRefused({ source, options }: Section, { isRefused }: WellRead): boolean {
  return [{ source }, ...options.values()].some(({ source }) => isRefused(source.path));
}

function problemOf(section: Section, { faults }: SupervisordConfig): Problem | undefined {
  const [first, ...others] = faults.get(section.name) ?? [];
  const template = templateIn(section);
  if (template !== undefined || first === undefined) return template;
  const detail = others.length === 0 ? {} : { detail: others.map(({ summary }) => summary).join('\n') };
  return { hint: MEND, ...first, ...detail };
}

/** Why supervisord itself, which loads it, never runs anything of it. */
function cannotRun({ section, processes, name }: Group['programs'][number], { at }: Origin & { at: Problem['at'] }) {
  const problem = (because: string, hint: string, option: string): Problem => {
    const said = section.options.get(option);
    const where = said === undefined ? at : positionOf(said, option);
    return { code: 'never-runs', summary: `cannot import ${name}: ${because}`, ...(where ? { at: where } : {}), hint };
  };
  const [first] = processes;
  if (first === undefined)
    return problem('supervisord runs no process of it', 'take it out, or raise numprocs', 'numprocs');
  for (const { command } of processes) {
    const words = commandWords(command);
    if (words === undefined) {
      const hint = 'close it; ` ;` and ` #` begin a comment, also within quotes: write them without the blank';
      return problem('supervisord can not start it: a quote of its command is never closed', hint, 'command');
    }
    if (!words[0]) return problem('supervisord can not start it: its command is empty', 'say what to run', 'command');
  }
  return undefined;
}

/** What the configuration refers to, by its name. */
function environmentNamed({ config, environment }: WellRead): Readonly<Record<string, string>> {
  const names = [...config.sections.values()].flatMap(({ options }) =>
    [...options.values()].flatMap(({ value }) => [...value.matchAll(/%\(ENV_([^)]*)\)/g)].map(([, name = '']) => name)),
  );
  return Object.fromEntries(names.map((name) => [name, environment?.(name) ?? '']));
}

/** Folders that supervisord looks for programs in, where ours would not be found there. */
function pathOf({ environment }: WellRead): string | undefined {
  const path = environment?.('PATH');
  const base = new Set(BASE_PATH.split(':'));
  return path?.split(':').some((folder) => folder !== '' && !base.has(folder)) ? path : undefined;
}

function noticesOf({ config }: WellRead): readonly Problem[] {
  const about = [...config.faults].flatMap(([section, problems]) =>
    /^(program|eventlistener|fcgi-program|group):/.test(section) ? [] : problems,
  );
  const lacking = config.problems.filter((problem) => lacksMain(problem, config));
  const warnings = config.warnings.filter(({ code }) => code === 'supervisord-includes-nothing');
  return [...lacking, ...about, ...warnings].map(shownProblem);
}
