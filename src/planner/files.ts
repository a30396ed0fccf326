import type { Actual, Boot, Definition, FileChange, Step } from '../model.ts';

/** What a step has to write on the host, and what it makes of the start at boot: nothing where these are as they should be. */
export type Writes = Pick<Step, 'files' | 'boot'>;

const NOTHING: Writes = {};

/** What has to change of the files and of the start at boot, so that they are as defined. */
export function writesFor(actual: Actual | undefined, definition: Definition | undefined): Writes {
  const { files: wanted, boot: to, link } = definition ?? {};
  if (wanted === undefined && to === undefined) return NOTHING;
  const there = actual?.definition;
  // What is fixed can only be blocked, and is told as what it mostly is.
  const fixed = there?.boot === 'fixed' && to !== 'blocked';
  const from: Boot = there?.boot === undefined || there.boot === 'fixed' ? 'disabled' : there.boot;
  const files = fileChanges(there?.files ?? [], wanted ?? []);
  return {
    ...(files.length === 0 ? {} : { files }),
    ...(to === undefined || to === from || fixed
      ? {}
      : { boot: { from, to, ...(link === undefined ? {} : { link }) } }),
  };
}

/** The removal of all that is there. */
export function removalOf({ definition, borrowed }: Actual): Writes {
  const { files = [], boot } = definition;
  return {
    ...(files.length === 0 ? {} : { files: fileChanges(files, []) }),
    ...(boot === 'enabled' && !borrowed ? { boot: { from: boot, to: 'disabled' } } : {}),
  };
}

/** Does a supervisor have to read its files anew for it? What only goes is not read any more. */
export function reloads({ action, files, boot }: Step): boolean {
  return boot !== undefined || (files !== undefined && action !== 'remove');
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
