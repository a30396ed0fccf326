import { statSync } from 'node:fs';
import { readIfThere } from '../../host/files.ts';
import type { ServiceId } from '../../model.ts';
import { poolOf } from './pool.ts';
import { readProgram } from './program-text.ts';
import { NO_PARTS, partsOf } from './programs-file.ts';
import type { Defined } from './runs.ts';

/** A program of ours in its file. */
export interface Program {
  readonly id: ServiceId;
  /** Of its part. */
  readonly path: string;
  readonly text: string;
  readonly defined: Defined;
}

/** What is ours in its file. */
export interface OwnPrograms {
  readonly path: string;
  readonly programs: readonly Program[];
  /** Nobody has changed anything there. */
  readonly asWritten: boolean;
}

/** Reads a programs file each time, and takes it apart where it is another than the last time. */
export function createOwnPrograms(path: string): () => OwnPrograms {
  let known: { readonly text: string | undefined; readonly changed: number; readonly own: OwnPrograms } | undefined;
  return () => {
    const text = readIfThere(path);
    const changed = text === undefined ? 0 : statSync(path).mtimeMs;
    if (known === undefined || known.text !== text || known.changed !== changed) {
      known = { text, changed, own: takeApart(path, text, changed) };
    }
    return known.own;
  };
}

function takeApart(path: string, text: string | undefined, changed: number): OwnPrograms {
  const parts = text === undefined ? NO_PARTS : partsOf(text);
  const programs = [...parts.texts].flatMap(([id, part]): Program[] => {
    const file = readProgram(part);
    // What its stamp no longer names is left to the reader of the configuration.
    if (file === undefined || file.id !== id) return [];
    return [{ id, path: `${path}#${id}`, text: part, defined: file.edited ? { file, editedAt: changed } : { file } }];
  });
  const whole = parts.intact && programs.length === parts.texts.size;
  const edited = programs.filter(({ defined }) => defined.editedAt !== undefined);
  // What is said of one is said of all its pool.
  const pools = new Set(edited.flatMap(({ id, defined }) => poolOf(id, defined.file.fields) ?? []));
  const all = programs.map((program): Program => {
    const { file } = program.defined;
    const isIn = pools.size > 0 && pools.has(poolOf(program.id, file.fields) ?? '');
    return isIn ? { ...program, defined: { file, editedAt: changed } } : program;
  });
  return { path, programs: all, asWritten: whole && edited.length === 0 };
}
