import { readdirSync } from 'node:fs';
import type { Taken } from '../../thing.ts';
import { readText, unitDirOf } from './disk.ts';
import type { Observer } from './sight.ts';
import type { UnitOrTimer } from './taker-look.ts';
import { markFolders, markOf, markPath, type Place } from './taker-mark.ts';

interface Found {
  readonly thing: UnitOrTimer;
  readonly taken: Taken;
}

type Where = Pick<Observer, 'scope' | 'unitDir'>;

/** The same for whoever runs this, without asking systemd. */
export function unitsTaken(owner: string): readonly Found[] {
  const scope = process.getuid?.() === 0 ? 'system' : 'user';
  return takenBy({ scope, unitDir: unitDirOf(scope) }, owner);
}

/** All that bear a mark of this owner. What can't be read is told by whoever looks at the unit itself. */
export function takenBy(o: Where, owner: string): Found[] {
  const found = new Map<string, Found>();
  for (const [place, folder] of markFolders(o)) {
    for (const unit of unitsIn(folder)) {
      const taken = found.has(unit) ? undefined : takenAt(o, unit, place);
      if (taken?.owner === owner) found.set(unit, { thing: thingOf(unit), taken });
    }
  }
  return [...found.values()];
}

function takenAt(o: Where, unit: string, place: Place): Taken | undefined {
  const path = markPath(o, unit, place);
  try {
    const text = readText(path);
    return text === undefined ? undefined : markOf(place, path, text).mark.taken;
  } catch {
    return undefined;
  }
}

function unitsIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder);
    return names.filter((name) => /\.(service|timer)\.d$/.test(name)).map((name) => name.slice(0, -'.d'.length));
  } catch {
    return [];
  }
}

function thingOf(unit: string): UnitOrTimer {
  return unit.endsWith('.timer') ? { kind: 'timer', timer: unit } : { kind: 'unit', unit };
}
