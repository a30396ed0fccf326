import { isUntouched, type Mark, markOf } from '../../host/files.ts';
import { readText } from './disk.ts';
import { readUnit, type UnitReading } from './read-unit.ts';

/** A unit file whole, and what it says of itself. */
export interface UnitFile {
  readonly text: string;
  readonly reading: UnitReading;
}

type Kept = UnitFile & { readonly mark: Mark | undefined };

/** What the last look has read, by path: a daemon reads the same files again and again. */
let last: ReadonlyMap<string, Kept> = new Map();

export interface UnitFiles {
  /** Undefined where there is none. Throws what reading says. What nobody has touched since the last look is the same object. */
  read(path: string): UnitFile | undefined;
  /** The look is over: what it has not read is forgotten. */
  end(): void;
}

/** Reads unit files for one look at everything. */
export function openUnitFiles(): UnitFiles {
  const now = new Map<string, Kept>();
  return {
    read(path) {
      const mark = markOf(path);
      const before = last.get(path);
      if (before !== undefined && isUntouched(before.mark, mark)) {
        now.set(path, before);
        return before;
      }
      const text = readText(path);
      if (text === undefined) return undefined;
      const file = { mark, text, reading: before?.text === text ? before.reading : readUnit(text) };
      now.set(path, file);
      return file;
    },
    end: () => {
      last = now;
    },
  };
}
