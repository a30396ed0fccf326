import type { Actual, ActualDefinition, DesiredState, HostFile, ServiceId, UnreadableObject } from '../../model.ts';
import { Failure, type Problem, why } from '../../problem.ts';
import type { Scope } from '../shared/bus-address.ts';
import { type Disk, readText } from './disk.ts';
import { dropInsThatGo } from './drop-ins.ts';
import type { KnownRestarts } from './known-restarts.ts';
import type { Manager } from './manager.ts';
import { BLOCK, SETTINGS } from './names.ts';
import { type Means, type Ran, ranOf } from './runs.ts';
import { isMarkPath, type MarkFile, readMarks } from './taker-mark.ts';
import type { UnitFiles } from './unit-files.ts';

export interface Observer {
  readonly manager: Manager;
  readonly scope: Scope;
  readonly owner: string;
  readonly unitDir: string;
  readonly known: KnownRestarts;
}

/** One look at everything. */
export interface Sight extends Observer, Means {
  readonly disk: Disk;
  readonly unitFiles: UnitFiles;
  /** What is wanted of each declared service. */
  readonly states: ReadonlyMap<ServiceId, DesiredState>;
  /** Declared services that may take the place of a unit of others of their name. */
  readonly takes: ReadonlySet<ServiceId>;
}

export type Found = Actual | UnreadableObject;

export function problemOf(error: unknown): Problem {
  if (error instanceof Failure && error.problems[0] !== undefined) return error.problems[0];
  const path = (error as NodeJS.ErrnoException).path;
  return {
    code: 'systemd-unreadable',
    summary: `cannot read the units of systemd: ${why(error)}${path === undefined ? '' : ` (${path})`}`,
  };
}

/** Drop-ins of others for a unit. */
export function besides({ disk, scope, unitDir }: Sight, unit: string): readonly string[] {
  const ours = [BLOCK, SETTINGS].map((file) => `/${file}`);
  return disk
    .dropIns(unit)
    .filter((path) => !path.startsWith(`${unitDir}/`) || !ours.some((end) => path.endsWith(end)))
    .filter((path) => !isMarkPath(scope, unitDir, path));
}

/**
 * The drop-ins by which a service of ours has taken the place of this unit: whoever wants the unit itself to be as Git says
 * wants them gone. Those of another owner are not for us to take away.
 */
export function supersededBy({ disk, scope, unitDir, owner }: Sight, unit: string): readonly MarkFile[] {
  const isThere = disk.dropIns(unit).some((path) => isMarkPath(scope, unitDir, path));
  if (!isThere) return [];
  return readMarks({ scope, unitDir }, unit).filter(({ mark }) => mark.taken.owner === owner);
}

/** What we have stopped ourselves, for another service to take its place, nobody has stopped by hand. */
export function withoutHand(ran: Ran): Ran {
  const { run } = ran;
  if ((run.kind !== 'stopped' && run.kind !== 'stopping') || !run.byHand) return ran;
  const { byHand: _, ...rest } = run;
  return { ...ran, run: rest };
}

export function foreign({ listed }: Sight, id: ServiceId, owner: string): Actual {
  const active = listed.get(`${id}.service`)?.active === 'active';
  const run = active
    ? ({ kind: 'running', pid: 0, since: 0, definition: 'unknown' } as const)
    : ({ kind: 'stopped', started: false } as const);
  return { kind: 'actual', id, owner: { kind: 'foreign', owner }, definition: { hash: undefined }, run, restarts: 0 };
}

/**
 * Somebody else's unit that the service of its name may take the place of as it is: with its process, and the drop-ins
 * that whoever imported it has read into its service file.
 */
export async function inPlace(sight: Sight, id: ServiceId, path: string): Promise<Actual> {
  const { disk, unitDir, scope } = sight;
  const unit = `${id}.service`;
  const { run, restarts } = await ranOf(sight, { id, unit, hash: undefined, fields: undefined });
  const gone = new Set(dropInsThatGo(disk, unit, scope));
  const dropIns = besides(sight, unit).filter((file) => gone.has(file));
  const paths = [path, ...dropIns].filter((file) => file.startsWith(`${unitDir}/`));
  const files = paths.map((file) => hostFile(file, readText(file) ?? '', undefined));
  return {
    kind: 'actual',
    id,
    owner: { kind: 'foreign', owner: path, superseded: true },
    definition: { hash: undefined, files, boot: disk.links(unit).length > 0 ? 'enabled' : 'disabled' },
    run,
    restarts,
  };
}

export function actual(
  id: ServiceId,
  definition: ActualDefinition,
  { run, restarts }: Ran,
  besides: readonly string[],
): Actual {
  const more = besides.length === 0 ? {} : { besides };
  return { kind: 'actual', id, owner: { kind: 'ours' }, definition, run, restarts, ...more };
}

export function hostFile(path: string, text: string, made: string | undefined): HostFile {
  return made === undefined ? { path, text } : { path, text, made };
}
