import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { readIfThere, writeAtomic } from '../../host/files.ts';
import type { FileChange, Step } from '../../model.ts';
import { Failure, type Problem, why } from '../../problem.ts';

/** What became of the files of an apply's steps. */
export interface Written {
  /** The steps whose files could not be written, and why. */
  readonly refused: Map<string, Problem>;
  /** Did anything change on disk? */
  readonly changed: boolean;
}

/**
 * Writes and removes the files of steps that are due now, each once, with their folders. A file that is not what the plan
 * saw is not overwritten unseen.
 */
export function writeFiles(
  steps: readonly Step[],
  isDue: (step: Step, path: string) => boolean,
  remove: (path: string) => void = removeFile,
): Written {
  const refused = new Map<string, Problem>();
  const written = new Set<string>();
  for (const step of steps) {
    try {
      const files = (step.files ?? []).filter(({ path }) => !written.has(path) && isDue(step, path));
      const stranger = files.find(changedMeanwhile);
      if (stranger !== undefined) {
        refused.set(step.id, changedProblem(step, stranger.path));
        continue;
      }
      for (const { path, to } of files) {
        if (to === undefined) remove(path);
        else {
          mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
          writeAtomic(path, to, { mode: 0o644 });
        }
        written.add(path);
      }
    } catch (error) {
      refused.set(step.id, notWritten(step, error));
    }
  }
  return { refused, changed: written.size > 0 };
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

/** What was written by an earlier run that was interrupted is as good as what the plan saw. */
function changedMeanwhile({ path, from, to }: FileChange): boolean {
  const now = readIfThere(path);
  return now !== from && now !== to;
}

/** A file is not what the plan saw: it is not overwritten unseen. */
export function changedProblem({ action, service }: Step, path: string): Problem {
  return {
    code: 'changed-meanwhile',
    summary: `cannot ${action} ${service}: ${path} has changed since it was planned`,
    hint: 'nothing was done to it; run `reconcile` again',
  };
}

/** Why the files of a step could not be written, and what to do. */
export function notWritten({ action, service }: Step, error: unknown): Problem {
  if (error instanceof Failure && error.problems[0] !== undefined) return error.problems[0];
  const { path, code } = error as NodeJS.ErrnoException;
  return {
    code: 'not-written',
    summary: `cannot ${action} ${service}: cannot write ${path ?? 'its files'}: ${why(error)}`,
    hint: `its process was not touched; ${HINTS[code ?? ''] ?? 'mend that'}, then run \`reconcile\` again`,
  };
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'make room',
  EDQUOT: 'make room',
  EROFS: 'mount it to be written',
};
