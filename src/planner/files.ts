import type { Actual, Boot, Definition, FileChange, HostFile, Step } from '../model.ts';

/** What a step has to write on the host, and what it makes of the start at boot: nothing where these are as they should be. */
export type Writes = Pick<Step, 'files' | 'boot'>;

const NOTHING: Writes = {};

/**
 * What has to change of the files and of the start at boot, so that they are as defined. `same`: their fields are, so that
 * files that nobody has edited and that were made by the same are as well.
 */
export function writesFor(actual: Actual | undefined, definition: Definition | undefined, same: boolean): Writes {
  const { files: defined, boot: to, link } = definition ?? {};
  if (defined === undefined && to === undefined) return NOTHING;
  const there = actual?.definition;
  const block = to === 'blocked' && there?.block !== undefined ? [there.block] : [];
  const wanted = [...(defined ?? []), ...block];
  // What is fixed can only be blocked, and is told as what it mostly is.
  const fixed = there?.boot === 'fixed' && to !== 'blocked';
  const from: Boot = there?.boot === undefined || there.boot === 'fixed' ? 'disabled' : there.boot;
  const files = fileChanges(there?.files ?? [], wanted, same && !there?.edited);
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
    ...(files.length === 0 ? {} : { files: fileChanges(files, [], false) }),
    ...(boot === 'enabled' && !borrowed ? { boot: { from: boot, to: 'disabled' } } : {}),
  };
}

/**
 * Does a supervisor have to read its files anew for it? What only goes is not read any more. A process that is older than
 * its files may be so as they were never read. The embedded one reads none: what is written there is its service's to read.
 */
export function reloads({ supervisor, action, files, boot, reason, target }: Step): boolean {
  if (supervisor === 'builtin') return false;
  const unread =
    (reason.kind === 'stale-process' || reason.kind === 'staged') && target?.definition.files !== undefined;
  return boot !== undefined || unread || (files !== undefined && action !== 'remove');
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

function fileChanges(from: readonly HostFile[], to: readonly HostFile[], trusted: boolean): FileChange[] {
  const alike = (a: HostFile | undefined, b: HostFile) =>
    a?.path === b.path && trusted && a.made !== undefined && a.made === b.made;
  if (from.length === to.length && to.every((file, i) => alike(from[i], file))) return [];
  const lying = to.flatMap(({ path, there }) => (there === undefined ? [] : [[path, there] as const]));
  const before = new Map([...lying, ...from.map(({ path, text }) => [path, text] as const)]);
  const after = new Map(to.map((file) => [file.path, file.text]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => {
      const [old, text] = [before.get(path), after.get(path)];
      return { path, ...(old === undefined ? {} : { from: old }), ...(text === undefined ? {} : { to: text }) };
    });
}

/** Of what several services that are handed over were made of, the last of them takes it away: instances share one. */
export function keepForLast(steps: readonly Step[]): Step[] {
  const later = new Set<string>();
  return [...steps]
    .reverse()
    .map((step) => {
      if (step.action !== 'handover' || step.handover === undefined) return step;
      const from = step.handover.from.map((old) => {
        if (old.kind !== 'own' || old.again === undefined) return old;
        const { removal } = old.again;
        const own = (removal.files ?? []).filter(({ path }) => !later.has(`${old.supervisor} ${path}`));
        for (const { path } of own) later.add(`${old.supervisor} ${path}`);
        const { files: _, ...rest } = removal;
        return { ...old, again: { ...old.again, removal: own.length === 0 ? rest : { ...rest, files: own } } };
      });
      return { ...step, handover: { ...step.handover, from } };
    })
    .reverse();
}
