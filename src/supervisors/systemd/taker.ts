import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeAtomic } from '../../host/files.ts';
import { Failure, type Problem, why } from '../../problem.ts';
import { nameOfThing, type Taken, type ThingState } from '../../thing.ts';
import { TAKEN_DONE, type Taker, type Taking } from '../taker.ts';
import { foldersOf, readText } from './disk.ts';
import { removeFile } from './prepare.ts';
import { type Observer, problemOf } from './sight.ts';
import { assertInForce, isLoaded } from './taker-force.ts';
import { listOnce, relink, unitLinks, unlink } from './taker-links.ts';
import { lookAt, type UnitOrTimer } from './taker-look.ts';
import { type Mark, type MarkFile, markPath, markText, type Place, readMarks } from './taker-mark.ts';
import { startAndWait } from './taker-start.ts';
import { stopTree, type UnitEnding } from './taker-stop.ts';
import { takenBy } from './taker-taken.ts';

export type { TimerThing, UnitThing } from './taker-look.ts';

/**
 * Takes units and timers of systemd from whoever wrote them, by a drop-in of ours with a condition that is never met: in /run
 * until the next boot, beside the host's own unit files for good. It bears what the unit was before. Their own files are never
 * touched, the links that enable them only by `disable` and `restore`.
 */
export interface UnitTaker extends Taker<UnitOrTimer> {
  stop(thing: UnitOrTimer, timeout: number, signal: AbortSignal): Promise<UnitEnding>;
}

export function createUnitTaker(observer: () => Promise<Observer>): UnitTaker {
  const attempt = async (act: string, thing: UnitOrTimer, run: (o: Observer, unit: string) => Promise<void>) => {
    try {
      await run(await observer(), nameOfThing(thing));
      return TAKEN_DONE;
    } catch (error) {
      return { kind: 'failed', problem: cannot(act, thing, error) } satisfies Taking;
    }
  };
  return {
    look: async (things) => {
      try {
        const o = await observer();
        const list = listOnce();
        return await Promise.all(things.map((thing) => lookAt(o, thing, list).catch(unreadable)));
      } catch (error) {
        return things.map(() => unreadable(error));
      }
    },
    taken: async (owner) => takenBy(await observer(), owner),
    block: (thing, taken, signal) =>
      attempt('block', thing, async (o, unit) => {
        const { marks, mark } = await weigh(o, thing, taken);
        // What is blocked for good is so until the next boot as well.
        const place = marks[0]?.place ?? 'until-boot';
        if (write(o, unit, place, mark) || !(await isLoaded(o, unit, place))) await o.manager.reload();
        await assertInForce(o, unit, place);
        if (thing.kind === 'timer') await stopTimer(o, unit, signal);
      }),
    disable: (thing, taken, signal) =>
      attempt('disable', thing, async (o, unit) => {
        const { mark } = await weigh(o, thing, taken);
        // What is remembered comes before what is undone, so that it can be redone whenever this ends.
        const wrote = write(o, unit, 'for-good', mark);
        const unlinked = unlink(Object.keys(mark.links));
        remove(o, unit, ['until-boot']);
        if (wrote || unlinked || !(await isLoaded(o, unit, 'for-good'))) await o.manager.reload();
        await assertInForce(o, unit, 'for-good');
        if (thing.kind === 'timer') await stopTimer(o, unit, signal);
      }),
    stop: async (thing, timeout, signal) => {
      const unit = nameOfThing(thing);
      try {
        const o = await observer();
        if (thing.kind === 'unit') return await stopTree(o, unit, timeout, signal);
        await stopTimer(o, unit, signal);
        return { kind: 'gone' };
      } catch (error) {
        if (codeOf(error) === 'no-such-unit') return { kind: 'gone' };
        return { kind: 'failed', problem: cannot('stop', thing, error) };
      }
    },
    unblock: (thing) =>
      attempt('unblock', thing, async (o, unit) => {
        ownMarks(o, unit);
        await free(o, unit);
      }),
    restore: (thing, was, start, signal) =>
      attempt('restore', thing, async (o, unit) => {
        const marks = ownMarks(o, unit);
        const mark = marks[0]?.mark;
        let changed = relink(Object.assign({}, ...marks.map((one) => one.mark.links)));
        if (was.enabled && mark === undefined && !isLinked(o, unit)) {
          await o.manager.enable([unit]);
          changed = true;
        }
        await free(o, unit, changed);
        // Its schedule was taken off for the block already, whether or not anything of it ran.
        const scheduled = thing.kind === 'timer' && (mark === undefined ? was.enabled : mark.active);
        if (start || scheduled) await startAndWait(o, unit, signal);
      }),
  };
}

/** What is there of a thing that is to be taken, and the mark that it is to bear. Throws why it can't be. */
async function weigh(o: Observer, thing: UnitOrTimer, taken: Taken) {
  const unit = nameOfThing(thing);
  const list = listOnce();
  const state = await lookAt(o, thing, list);
  if (state.kind === 'unreadable') throw new Failure(state.problem);
  if (state.kind === 'absent') {
    throw new Failure({ code: 'no-such-unit', summary: `cannot take over ${unit}: there is no such unit` });
  }
  const marks = ownMarks(o, unit);
  const before = marks[0]?.mark;
  const links = unitLinks(foldersOf(o.scope), unit, list).filter(({ made }) => made);
  const active = before?.active ?? (thing.kind === 'timer' && (await isUp(o, unit)));
  const mark: Mark = {
    taken,
    links: { ...before?.links, ...Object.fromEntries(links.map(({ path, target }) => [path, target])) },
    active,
  };
  return { marks, mark };
}

/** Throws where another owner has taken it: both would undo each other's work. */
function ownMarks(o: Observer, unit: string): readonly MarkFile[] {
  const marks = readMarks(o, unit);
  const other = marks.find(({ mark }) => mark.taken.owner !== o.owner);
  if (other === undefined) return marks;
  throw new Failure({
    code: 'taken-by-other',
    summary: `cannot take over ${unit}: owner ${other.mark.taken.owner} has for ${other.mark.taken.by}`,
    file: other.file.path,
    hint: `give it up there, or remove ${other.file.path}`,
  });
}

/** True where it was not there as it should be. */
function write(o: Observer, unit: string, place: Place, mark: Mark): boolean {
  const path = markPath(o, unit, place);
  const text = markText(mark);
  if (readText(path) === text) return false;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeAtomic(path, text, { mode: 0o644, sync: place === 'for-good' });
  return true;
}

function remove(o: Observer, unit: string, places: readonly Place[]): boolean {
  const there = places.map((place) => markPath(o, unit, place)).filter((path) => readText(path) !== undefined);
  for (const path of there) removeFile(path);
  return there.length > 0;
}

/** Takes away all drop-ins of this kind, and sees to it that systemd knows. */
async function free(o: Observer, unit: string, changed = false): Promise<void> {
  // That for good goes first: what is left where this ends is still blocked, and the next boot frees it.
  const removed = remove(o, unit, ['for-good', 'until-boot']);
  if (changed || removed || (await isLoaded(o, unit))) await o.manager.reload();
}

function isLinked({ scope }: Observer, unit: string): boolean {
  return unitLinks(foldersOf(scope), unit, listOnce()).some(({ starts }) => starts);
}

async function isUp({ manager }: Observer, unit: string): Promise<boolean> {
  const active = await manager.property(unit, 'ActiveState');
  return active !== 'inactive' && active !== 'failed';
}

async function stopTimer(o: Observer, unit: string, signal: AbortSignal): Promise<void> {
  if (!(await isUp(o, unit))) return;
  const end = await o.manager.stop(unit, signal);
  if (!(await isUp(o, unit))) return;
  throw new Failure({ code: 'step-failed', summary: `cannot stop ${unit}: its job ended as '${end}'` });
}

function unreadable(error: unknown): ThingState {
  return { kind: 'unreadable', problem: problemOf(error) };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Failure ? error.problems[0]?.code : undefined;
}

function cannot(act: string, thing: UnitOrTimer, error: unknown): Problem {
  if (error instanceof Failure && error.problems[0] !== undefined) return error.problems[0];
  const { path } = error as NodeJS.ErrnoException;
  const because = `${path === undefined ? '' : `cannot write ${path}: `}${why(error)}`;
  return { code: 'not-written', summary: `cannot ${act} ${nameOfThing(thing)}: ${because}` };
}
