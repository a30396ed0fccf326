import { cpSync, mkdirSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Step } from '../../model.ts';
import { Failure, type Problem } from '../../problem.ts';
import { notWritten, writeFiles } from '../shared/files.ts';
import { makeFolders } from '../shared/folders.ts';
import { foldersOf, readDisk, readText } from './disk.ts';
import { BLOCK, dropInPath, SETTINGS, unitOf, unitOfId } from './names.ts';
import { readUnit } from './read-unit.ts';
import { type Observer, problemOf } from './sight.ts';

/**
 * What all steps of an apply need at once: files are written, links that start units at boot made or removed, and
 * systemd reads all of it anew, once. What only a removal takes away stays until its unit is stopped: a unit without its
 * file would be stopped by systemd's defaults. Gives the steps that can't be taken, and why.
 */
export async function prepare(o: Observer, steps: readonly Step[]): Promise<ReadonlyMap<string, Problem>> {
  const kept = keepOriginals(steps);
  const due = steps.filter(({ id }) => !kept.has(id));
  const { refused, changed: wrote } = writeFiles(due, isForNow, removeFile);
  for (const [id, problem] of kept) refused.set(id, problem);
  for (const [id, problem] of await makeFolders(steps)) refused.set(id, problem);
  const links = linksOf(o);
  let changed = wrote;
  for (const step of steps) {
    if (refused.has(step.id) || isForLater(step)) continue;
    try {
      changed = (await setBoot(o, step, links)) || changed;
    } catch (error) {
      refused.set(step.id, notWritten(step, error));
    }
  }
  try {
    if (changed || (await isUnread(o, steps))) await o.manager.reload();
  } catch (error) {
    const problem = problemOf(error);
    for (const { id } of steps) if (!refused.has(id)) refused.set(id, problem);
  }
  return refused;
}

/** What is put behind the name of a file of others whose place ours takes: systemd reads none of that name. */
export const ORIGINAL = '.before-reconciled';

/** Of what takes the place of somebody else's files these are kept beside it, for the way back. */
function keepOriginals(steps: readonly Step[]): ReadonlyMap<string, Problem> {
  const refused = new Map<string, Problem>();
  for (const step of steps) {
    const { reason, seen, files = [] } = step;
    const inPlace = reason.kind === 'superseded' && seen.kind === 'present' && seen.hash === undefined;
    if (!inPlace || step.handover !== undefined) continue;
    try {
      for (const { path, from } of files) {
        // What an interrupted run has written there is ours already.
        if (from === undefined || readText(path) !== from || readUnit(from).kind !== 'foreign') continue;
        cpSync(path, `${path}${ORIGINAL}`, { preserveTimestamps: true, verbatimSymlinks: true });
      }
    } catch (error) {
      refused.set(step.id, notWritten(step, error));
    }
  }
  return refused;
}

/** Settings for a unit of others, which is not stopped when they go, have to be unread. */
function isForNow({ action }: Step, path: string): boolean {
  return action !== 'remove' || path.endsWith(`/${SETTINGS}`);
}

/**
 * Is something to be started from a file that systemd may not have read, since a run ended after it had written it? It
 * can't be asked about what runs: it does not notice each change, such as a first drop-in.
 */
async function isUnread({ manager }: Observer, steps: readonly Step[]): Promise<boolean> {
  if (steps.some(({ reason }) => reason.kind === 'stale-process')) return true;
  const started = steps.flatMap(({ effect, target }) => (effect === 'start' && target ? [unitOf(target.service)] : []));
  return (await Promise.all(started.map((unit) => manager.property(unit, 'NeedDaemonReload')))).includes(true);
}

/** What has to go on until other steps are done starts at boot until then. */
function isForLater({ action, after }: Step): boolean {
  return action === 'remove' && after.length > 0;
}

/** Takes away what starts a unit at boot, where a removal has left that for later; true where it was there. */
export async function endBoot(o: Observer, step: Step): Promise<boolean> {
  return isForLater(step) && (await setBoot(o, step, linksOf(o)));
}

/** Removes a file, and the folder of drop-ins that it was the last of. */
export function removeFile(path: string): void {
  rmSync(path, { force: true });
  if (!dirname(path).endsWith('.d')) return;
  try {
    rmdirSync(dirname(path));
  } catch {
    // Somebody else's are there too.
  }
}

type Links = (unit: string) => readonly string[];

/** Read only where it is needed. */
function linksOf({ scope }: Observer): Links {
  let disk: ReturnType<typeof readDisk> | undefined;
  return (unit) => {
    disk ??= readDisk(foldersOf(scope));
    return disk.links(unit);
  };
}

/** Makes what starts a unit at boot as the step says; true where something changed on disk. */
async function setBoot(o: Observer, step: Step, links: Links): Promise<boolean> {
  const unit = step.target === undefined ? unitOfId(step.service) : unitOf(step.target.service);
  if (step.target?.service.written.unit !== undefined) return setBootOfOthers(o, step, unit);
  // Of what is new a link may be left from before its file was removed.
  const to = step.boot?.to ?? (step.action === 'create' ? step.target?.definition.boot : undefined);
  if (to === undefined) return false;
  const own = bootLink({ manager: o.scope, unitDir: o.unitDir }, unit);
  const there = links(unit);
  if (to === 'enabled') {
    if (there.includes(own)) return false;
    mkdirSync(dirname(own), { recursive: true, mode: 0o755 });
    symlinkSync(join(o.unitDir, fileName(unit)), own);
    return true;
  }
  // Wherever somebody has enabled it.
  for (const path of there) unlinkSync(path);
  return there.length > 0;
}

async function setBootOfOthers({ manager, unitDir }: Observer, { boot }: Step, unit: string): Promise<boolean> {
  if (boot === undefined) return false;
  const disable = async (runtime: boolean) => {
    await manager.disable([unit], { runtime }).catch(unlessMissing);
  };
  if (boot.from === 'blocked') {
    await manager.unmask([unit]);
    await manager.unmask([unit], { runtime: true });
  }
  switch (boot.to) {
    case 'enabled':
      await manager.enable([unit], { force: false });
      return true;
    case 'disabled':
      await disable(false);
      await disable(true);
      return true;
    case 'blocked':
      await disable(false);
      // Where a mask can't be, the drop-in that blocks it was written before.
      if (readText(dropInPath(unitDir, unit, BLOCK)) === undefined) await manager.mask([unit]);
      return true;
  }
}

/** What is not installed is enabled nowhere; it may still be masked, for when it is. */
function unlessMissing(error: unknown): void {
  if (!(error instanceof Failure) || error.problems[0]?.code !== 'no-such-unit') throw error;
}

/** The link that starts a unit of ours at boot; for people too. */
export function bootLink(
  { manager, unitDir }: { readonly manager: 'system' | 'user'; readonly unitDir: string },
  unit: string,
): string {
  return join(unitDir, `${manager === 'system' ? 'multi-user' : 'default'}.target.wants`, unit);
}

function fileName(unit: string): string {
  return unit.replace(/@.*(?=\.service$)/, '@');
}
