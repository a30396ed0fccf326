import type { Actual, Boot, Definition, FileChange, Step } from '../model.ts';

/** What a step has to write on the host, and what it makes of the start at boot: nothing where these are as they should be. */
export type Writes = Pick<Step, 'files' | 'boot'>;

const NOTHING: Writes = {};

/** What has to change of the files and of the start at boot, so that they are as defined. */
export function writesFor(actual: Actual | undefined, definition: Definition | undefined): Writes {
  const { files: wanted, boot: to } = definition ?? {};
  if (wanted === undefined && to === undefined) return NOTHING;
  const there = actual?.definition;
  const from: Boot = there?.boot ?? 'disabled';
  const files = fileChanges(there?.files ?? [], wanted ?? []);
  return {
    ...(files.length === 0 ? {} : { files }),
    ...(to === undefined || to === from ? {} : { boot: { from, to } }),
  };
}

/** The removal of all that is there. */
export function removalOf(actual: Actual): Writes {
  const { files = [] } = actual.definition;
  return files.length === 0 ? NOTHING : { files: fileChanges(files, []) };
}

/** Keeps the files that a service which stays is made of as well: instances share one. */
export function keepShared(steps: readonly Step[], definitions: Iterable<Definition>): Step[] {
  const kept = new Set([...definitions].flatMap(({ files = [] }) => files.map(({ path }) => path)));
  return steps.map((step) => {
    if (step.action !== 'remove' || step.files === undefined) return step;
    const { files, ...rest } = step;
    const own = files.filter(({ path }) => !kept.has(path));
    return own.length === 0 ? rest : { ...rest, files: own };
  });
}

function fileChanges(from: readonly FileText[], to: readonly FileText[]): FileChange[] {
  const before = new Map(from.map(({ path, text }) => [path, text]));
  const after = new Map(to.map(({ path, text }) => [path, text]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => {
      const [old, text] = [before.get(path), after.get(path)];
      return { path, ...(old === undefined ? {} : { from: old }), ...(text === undefined ? {} : { to: text }) };
    });
}

type FileText = { readonly path: string; readonly text: string };
