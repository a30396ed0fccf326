import { readText } from './disk.ts';
import { readUnit, type UnitReading } from './read-unit.ts';

/** A unit file whole, and what it says of itself. */
export interface UnitFile {
  readonly text: string;
  readonly reading: UnitReading;
}

/** What the last look has read, by path: a daemon reads the same files again and again, and nearly all are as they were. */
let last: ReadonlyMap<string, UnitFile> = new Map();

export interface UnitFiles {
  /**
   * Undefined where there is none. Throws what reading says. Read once for this look; what is as it was at the last one is
   * the same object.
   */
  read(path: string): UnitFile | undefined;
  /** The look is over: what it has not read is forgotten. */
  end(): void;
}

/** Reads unit files for one look at everything. */
export function openUnitFiles(): UnitFiles {
  const now = new Map<string, UnitFile>();
  return {
    read(path) {
      const known = now.get(path);
      if (known !== undefined) return known;
      const text = readText(path);
      if (text === undefined) return undefined;
      const before = last.get(path);
      const file = before?.text === text ? before : { text, reading: readUnit(text) };
      now.set(path, file);
      return file;
    },
    end: () => {
      last = now;
    },
  };
}
