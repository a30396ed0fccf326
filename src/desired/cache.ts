import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { writeAtomic } from '../host/files.ts';
import type { Stack, Tree } from './layer.ts';

/** Values of stacks of files that were found valid, by the content of the files. The same content gives the same value. */
export interface Cache {
  get(key: string): Tree | undefined;
  /** What a valid desired state was made of: all else is forgotten. */
  keep(used: ReadonlyMap<string, Tree>): void;
  /** Writes it where anything changed. A cache that can't be written is none. */
  save(): void;
}

/** Another version of the tool may judge otherwise. A bundle's URL has the digest of its code in it. */
const VERSION = `${packageJson.version} ${import.meta.url}`;

/** `FILE` holds a digest of the version and the rest, a newline, and JSON: what is damaged or of another version is no cache. */
export function openCache(file: string): Cache {
  let values: ReadonlyMap<string, Tree> = read(file);
  let changed = false;
  return {
    get: (key) => values.get(key),
    keep(used) {
      const known = values;
      if (used.size === known.size && [...used.keys()].every((key) => known.has(key))) return;
      values = used;
      changed = true;
    },
    save() {
      if (!changed) return;
      changed = false;
      const json = JSON.stringify([...values]);
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeAtomic(file, `${seal(Buffer.from(json))}\n${json}`);
      } catch {
        // The next run parses again.
      }
    },
  };
}

/** The same for equal contents in the same kinds of layers. */
export function keyOf(kind: string, { layers }: Stack): string {
  return `${kind} ${layers.map((layer) => `${layer.kind}:${layer.source.hash}`).join(' ')}`;
}

function read(file: string): Map<string, Tree> {
  try {
    const bytes = readFileSync(file);
    const end = bytes.indexOf(10);
    const json = bytes.subarray(end + 1);
    if (bytes.toString('utf8', 0, end) !== seal(json)) return new Map();
    return new Map(JSON.parse(json.toString('utf8')) as [string, Tree][]);
  } catch {
    return new Map();
  }
}

function seal(json: Buffer): string {
  return createHash('sha256').update(`${VERSION}\n`).update(json).digest('hex');
}
