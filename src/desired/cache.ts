import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { writeAtomic } from '../host/files.ts';
import type { Stack, Tree } from './layer.ts';

/** Values of stacks of files that were found valid, by the content of the files. */
export interface Cache {
  get(key: string): Tree | undefined;
  set(key: string, value: Tree): void;
  /** Writes it where anything changed, keeping only what was asked for or set. A cache that can't be written is none. */
  save(): void;
}

/** Another version of the tool may judge otherwise. A bundle's URL has the digest of its code in it. */
const VERSION = `${packageJson.version} ${import.meta.url}`;

/** `FILE` holds a digest of the version and the rest, a newline, and JSON: what is damaged or of another version is no cache. */
export function openCache(file: string | undefined): Cache {
  const before = file === undefined ? new Map<string, Tree>() : read(file);
  const used = new Map<string, Tree>();
  return {
    get(key) {
      const value = before.get(key);
      if (value !== undefined) used.set(key, value);
      return value;
    },
    set: (key, value) => void used.set(key, value),
    save() {
      if (file === undefined || (used.size === before.size && [...used.keys()].every((key) => before.has(key)))) return;
      const json = JSON.stringify([...used]);
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
