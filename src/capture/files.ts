import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { loadYaml } from '../desired/yaml.ts';
import type { Desired, Service } from '../model.ts';
import { Failure } from '../problem.ts';
import { edited, Unwritable } from './edit.ts';
import type { Change } from './make.ts';
import type { Edit } from './tree.ts';

/**
 * What the edits of services make of their files: each value where it was written last for this host, and what is new
 * where the service was.
 */
export async function changesFor(
  { desiredState }: Pick<Config, 'desiredState'>,
  desired: Desired,
  edits: ReadonlyMap<Service, readonly Edit[]>,
): Promise<readonly Change[]> {
  await loadYaml();
  const byFile = new Map<string, Edit[]>();
  for (const [service, all] of edits) {
    const last = lastFile(desired, service);
    for (const edit of all) {
      const file = isWritten(service, edit.path) ? (desired.locate(service.id, [...edit.path])?.file ?? last) : last;
      const same = byFile.get(file) ?? [];
      if (!same.some((one) => JSON.stringify(one) === JSON.stringify(edit))) byFile.set(file, [...same, edit]);
    }
  }
  return [...byFile].flatMap(([path, all]): Change[] => {
    const real = realpathSync(join(desiredState, path));
    const from = readFileSync(real, 'utf8');
    const to = editedFile(path, from, all);
    return to === from ? [] : [{ path, real, from, to }];
  });
}

function editedFile(path: string, from: string, all: readonly Edit[]): string {
  try {
    return edited(from, all);
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error;
    const hint = `edit it by hand: ${error.edit.path.join('.')}`;
    throw new Failure({ code: 'cannot-edit', summary: `cannot edit ${path}: ${error.because}`, file: path, hint });
  }
}

/** The file that says something of it, and is for the fewest hosts. */
function lastFile(desired: Desired, { id, file, written }: Service): string {
  const all = Object.keys(written).flatMap((key) => desired.locate(id, [key])?.file ?? []);
  const rank = (path: string) => (path.startsWith('hosts/') ? 2 : path.startsWith('labels/') ? 1 : 0);
  return all.reduce((a, b) => (rank(b) > rank(a) ? b : a), file);
}

function isWritten({ written }: Service, path: Edit['path']): boolean {
  let at: unknown = written;
  for (const key of path) at = (at as Readonly<Record<string, unknown>> | undefined)?.[key];
  return at !== undefined;
}
