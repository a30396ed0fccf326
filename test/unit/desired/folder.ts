import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openCache } from '../../../src/desired/cache.ts';
import { type Loaded, load } from '../../../src/desired/load.ts';
import type { Desired } from '../../../src/model.ts';
import type { Problem } from '../../../src/problem.ts';

/** The smallest service. */
export const SLEEP = 'supervisor: builtin\ncommand: [/bin/sleep, "60"]\n';

/** A folder with these files, gone when the test ends. */
export function folder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'desired-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  put(root, files);
  return root;
}

export function put(root: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** `file` is where a cache is kept from one load to the next. */
export async function loadFolder(directory: string, file?: string): Promise<Loaded> {
  const cache = file === undefined ? undefined : openCache(file);
  const loaded = await load({ directory, hostname: 'dolphin', ...(cache === undefined ? {} : { cache }) });
  cache?.save();
  return loaded;
}

export async function valid(directory: string, cache?: string): Promise<Desired> {
  const loaded = await loadFolder(directory, cache);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems, null, 2));
  return loaded.desired;
}

export async function problems(directory: string, cache?: string): Promise<readonly Problem[]> {
  const loaded = await loadFolder(directory, cache);
  return loaded.kind === 'invalid' ? loaded.problems : [];
}
