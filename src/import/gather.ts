import { matchesGlob } from 'node:path';
import { takeProcesses } from '../graph/processes.ts';
import type { SupervisorName } from '../model.ts';
import type { Problem } from '../problem.ts';
import { importCron } from './cron.ts';
import type { Found, FoundSupervisor, ProgramsFound } from './found.ts';
import { importProcesses } from './processes.ts';
import { isOfOthers } from './units.ts';
import type { ImportUnits } from './units-options.ts';

/** What is to be looked at. */
export interface Choice {
  /** Also what packages brought, and processes that nothing manages. */
  readonly all: boolean;
  /** These units, or those that somebody has set up here. */
  readonly units: boolean | readonly string[];
  /** Those of these configurations, or of all supervisords that run here or have a configuration in its usual place. */
  readonly supervisord: boolean | readonly string[];
  readonly cron: boolean;
  readonly processes: boolean;
  readonly pids: readonly number[];
}

export type Asked = Partial<Choice>;

/** Who reads the configurations of supervisors. */
export interface Readers {
  readonly units: ImportUnits;
  readonly programs: (config: string) => Promise<ProgramsFound>;
  /** Of the supervisords of this host, but ours. */
  readonly configs: () => Promise<readonly string[]>;
}

/** Where nothing is named, all that people have set up here and that starts by itself. */
export function choiceOf(asked: Asked): Choice {
  const { all = false, units = false, supervisord = false, cron = false, processes = false, pids = [] } = asked;
  const named = units !== false || supervisord !== false || cron || processes || pids.length > 0;
  if (named) return { all, units, supervisord, cron, processes, pids };
  return { all, units: true, supervisord: true, cron: true, processes: all, pids };
}

export interface Gathered {
  readonly found: readonly Found[];
  readonly supervisors: readonly FoundSupervisor[];
  /** What is odd, and keeps nothing from being imported. */
  readonly notices: readonly Problem[];
  /** Enabled units of packages that were not asked for. */
  readonly packaged: readonly string[];
  /** What could not be looked at, in words. */
  readonly unread: readonly string[];
}

/** Everything of the host that is chosen. Reads only; what can't be read hides nothing else. */
export async function gather(choice: Choice, readers: Readers, supervisor: SupervisorName): Promise<Gathered> {
  const processes = takeProcesses();
  const manager = process.getuid?.() === 0 ? 'system' : 'user';
  const { all, units, supervisord, cron, processes: byHand, pids } = choice;
  const found: Found[] = [];
  const unread: string[] = [];
  const packaged: string[] = [];
  const supervisors: FoundSupervisor[] = [];
  const notices: Problem[] = [];
  if (units !== false) {
    const patterns = Array.isArray(units) ? { units: units as readonly string[] } : {};
    const read = await readers.units({ manager, ...patterns });
    // What a package brought is its package's to set up, unless somebody names it.
    const isLeft = ({ origin }: Found) =>
      !all && !Array.isArray(units) && origin.kind === 'unit' && isOfOthers(origin.path);
    found.push(...read.filter((one) => !isLeft(one)));
    packaged.push(...read.filter(isLeft).flatMap(({ origin }) => (origin.kind === 'unit' ? [origin.unit] : [])));
  }
  if (supervisord !== false) {
    const configs = Array.isArray(supervisord) ? (supervisord as readonly string[]) : await readers.configs();
    for (const config of configs) {
      const read = await readers.programs(config);
      found.push(...read.found);
      // Nobody has asked for one that holds nothing.
      if (Array.isArray(supervisord) || read.found.length > 0) notices.push(...read.notices);
      if (read.supervisor !== undefined) supervisors.push(read.supervisor);
    }
  }
  if (cron) {
    const lines = importCron({ supervisor, processes });
    found.push(...lines.found);
    unread.push(...lines.unreadable);
  }
  const superseded = new Set(found.flatMap(pidsOf));
  if (byHand) {
    const left = importProcesses({ supervisor, processes });
    // What a line of a crontab has started is told there.
    found.push(...left.filter(({ origin }) => origin.kind !== 'process' || !superseded.has(origin.command.join('\0'))));
  }
  if (pids.length > 0) found.push(...importProcesses({ supervisor, processes, pids }));
  return { found, supervisors, notices, unread, packaged };
}

function pidsOf(found: Found): readonly string[] {
  if (found.kind !== 'imported') return [];
  const things = (found.service.supersedes ?? []) as readonly { readonly process?: readonly string[] }[];
  return things.flatMap(({ process }) => (process === undefined ? [] : [process.join('\0')]));
}

/** What people call it: its service, unit, program or pid. */
export function namesOfFound(found: Found): readonly string[] {
  const { origin } = found;
  const own = found.kind === 'imported' ? [found.name] : [];
  switch (origin.kind) {
    case 'unit':
      return [...own, origin.unit, origin.unit.replace(/\.service$/, '')];
    case 'program':
      return [...own, origin.program, `${origin.group}:${origin.program}`];
    case 'cron':
      return own;
    case 'process':
      return [...own, String(origin.pid)];
    case 'file':
      return [...own, origin.path];
  }
}

/** Does one of these names, or patterns of names, mean it? */
export function isMeant(found: Found, names: readonly string[]): boolean {
  return namesOfFound(found).some((name) => names.some((pattern) => name === pattern || matchesGlob(name, pattern)));
}
