import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { load } from '../desired/load.ts';
import { loadYaml } from '../desired/yaml.ts';
import type { Desired, FileChange, Service } from '../model.ts';
import { Failure } from '../problem.ts';
import { type Edit, edited } from './edit.ts';

/** A file of the desired state as it is and as it is to be; paths are relative to the desired-state directory. */
export type Change = FileChange & { readonly from: string; readonly to: string };

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
    const from = readFileSync(join(desiredState, path), 'utf8');
    const to = edited(from, all);
    return to === from ? [] : [{ path, from, to }];
  });
}

/** The file that says something of it, and is for the fewest hosts. */
function lastFile(desired: Desired, { id, file, written }: Service): string {
  const all = Object.keys(written).flatMap((key) => desired.locate(id, [key])?.file ?? []);
  const rank = (path: string) => (path.startsWith('hosts/') ? 2 : path.startsWith('labels/') ? 1 : 0);
  return all.reduce((a, b) => (rank(b) > rank(a) ? b : a), file);
}

function isWritten({ written }: Service, path: readonly string[]): boolean {
  let at: unknown = written;
  for (const key of path) at = (at as Readonly<Record<string, unknown>> | undefined)?.[key];
  return at !== undefined;
}

/** Is the desired state valid with these? Fails with every problem where it is not; nothing of it is written there. */
export async function checkChanges(
  { desiredState, host, logDir }: Pick<Config, 'desiredState' | 'host' | 'logDir'>,
  changes: readonly Change[],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-capture-'));
  try {
    // Of a repository elsewhere it is a link to what was taken last.
    const from = realpathSync(desiredState);
    const filter = (path: string) => !/\/\.git(\/|$)/.test(path.slice(from.length));
    cpSync(from, folder, { recursive: true, dereference: true, filter });
    for (const { path, to } of changes) writeFileSync(join(folder, path), to);
    const loaded = await load({ directory: folder, root: desiredState, hostname: host, logDir });
    if (loaded.kind === 'invalid') throw new Failure(...loaded.problems);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
