import { dead, type ProcessRef, statOf } from '../../host/procfs.ts';
import type { Problem } from '../../problem.ts';
import type { ProcessMark, There, Thing, ThingState } from '../../thing.ts';
import { foldersOf } from './disk.ts';
import type { Observer } from './sight.ts';
import { type FolderList, unitLinks } from './taker-links.ts';
import { readMarks } from './taker-mark.ts';
import { groupFolder, processesIn } from './taker-tree.ts';

export type UnitThing = Extract<Thing, { kind: 'unit' }>;
export type TimerThing = Extract<Thing, { kind: 'timer' }>;
export type UnitOrTimer = UnitThing | TimerThing;

/** How a unit or timer of whoever is now. A few properties: all of one cost systemd 5 ms after each reload. */
export async function lookAt(o: Observer, thing: UnitOrTimer, list: FolderList): Promise<ThingState> {
  const unit = thing.kind === 'unit' ? thing.unit : thing.timer;
  if (/@\.[a-z]+$/.test(unit)) return { kind: 'unreadable', problem: template(unit) };
  const { manager } = o;
  const [id, load, fragment, active] = await Promise.all([
    manager.property(unit, 'Id'),
    manager.property(unit, 'LoadState'),
    manager.property(unit, 'FragmentPath'),
    manager.property(unit, 'ActiveState'),
  ]);
  if (id !== unit) return { kind: 'unreadable', problem: alias(thing.kind, unit, id) };
  const up = active !== 'inactive' && active !== 'failed';
  const processes = thing.kind === 'unit' ? await processesOf(o, unit) : [];
  if (load === 'not-found' && !up && processes.length === 0) return { kind: 'absent' };
  const linked = unitLinks(foldersOf(o.scope), unit, list).some(({ starts }) => starts);
  const [first] = readMarks(o, unit);
  const ours = first !== undefined && first.mark.taken.owner === o.owner && first.blocks;
  return {
    kind: 'there',
    processes,
    enabled: load !== 'masked' && (linked || (thing.kind === 'timer' && up)),
    ...(thing.kind === 'unit' && up && processes.length === 0 ? { starting: true as const } : {}),
    ...(ours ? { blocked: first.place } : {}),
    ...(first === undefined ? {} : { taken: first.mark.taken }),
    ...(fragment === '' ? {} : { where: fragment }),
  } satisfies There;
}

/** Its main one comes first. */
async function processesOf({ manager }: Observer, unit: string): Promise<readonly ProcessMark[]> {
  const [main, group] = await Promise.all([manager.property(unit, 'MainPID'), manager.property(unit, 'ControlGroup')]);
  const stat = main > 1 ? statOf(main) : undefined;
  const first = stat === undefined || dead(stat) ? [] : [stat];
  return [...first, ...processesIn(groupFolder(group)).filter(({ pid }) => pid !== main)].map(mark);
}

function mark({ pid, start }: ProcessRef): ProcessMark {
  return { pid, start };
}

/** What is done by one name of a unit is not seen by the other: enabling, drop-ins. */
function alias(kind: UnitOrTimer['kind'], unit: string, name: string): Problem {
  return {
    code: 'alias',
    summary: `cannot take over ${unit}: it is another name of ${name}`,
    hint: `write \`{ ${kind}: ${name} }\``,
  };
}

function template(unit: string): Problem {
  return {
    code: 'template',
    summary: `cannot take over ${unit}: it is a template, of which only instances run`,
    hint: `name each instance, as in \`${unit.replace('@.', '@1.')}\``,
  };
}
