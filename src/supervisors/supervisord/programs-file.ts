import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readIfThere, writeAtomic } from '../../host/files.ts';
import type { Instance } from '../../instance.ts';
import type { ServiceId } from '../../model.ts';

/**
 * All programs of an owner in one supervisord are in one file of its include folder: supervisord looks at every section
 * again for each file that it includes, and so takes seconds for a thousand files (supervisor.options: read_config,
 * expand_here). Each program is a part of that file: its own section with its own trailer, and as a file of its own to
 * whoever plans. A part is called `FILE#ID`.
 */
export function programsFile({ include }: Pick<Instance, 'include'>, owner: string): string {
  return join(include, `reconciled-${owner}.conf`);
}

export function partPath(instance: Pick<Instance, 'include'>, owner: string, id: ServiceId): string {
  return `${programsFile(instance, owner)}#${id}`;
}

const HEAD = '; The programs of reconciled. Each part says what it was made from; what is added to one is drift.\n\n';

/** With this line each part begins. */
const FIRST = /^; Written by reconciled for the service (\S+) of owner /gm;

/** What is in the file, part by part. */
export interface Parts {
  /** What stands before the first part: ours, or with what somebody else has put there. */
  readonly head: string;
  /** By id; what others have added to a part belongs to it. */
  readonly texts: ReadonlyMap<ServiceId, string>;
  /** Nobody has added anything outside of the parts, or a part a second time. */
  readonly intact: boolean;
}

export const NO_PARTS: Parts = { head: HEAD, texts: new Map(), intact: true };

/** Undefined where there is no file. Throws where it can't be read. */
export function readParts(path: string): Parts | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : partsOf(text);
}

export function partsOf(text: string): Parts {
  const starts = [...text.matchAll(FIRST)];
  const texts = new Map<ServiceId, string>();
  for (const [i, start] of starts.entries()) {
    const id = start[1] ?? '';
    // Of two of one name the last counts for supervisord too.
    texts.set(id, text.slice(start.index, starts[i + 1]?.index).replace(/\n\n$/, '\n'));
  }
  const head = text.slice(0, starts[0]?.index);
  return { head, texts, intact: head === HEAD && texts.size === starts.length };
}

export function partsText(texts: ReadonlyMap<ServiceId, string>, head = HEAD): string {
  const all = [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return `${head}${all.join('\n')}`;
}

/** What a part is to be: undefined where it is to go. */
export type PartChange = readonly [id: ServiceId, text: string | undefined];

/**
 * Writes parts anew and leaves all else as it is, what others have put before them too; without any of that there is no
 * file. Throws what the system says.
 */
export function writeParts(path: string, changes: readonly PartChange[]): void {
  if (changes.length === 0) return;
  const { head, texts: before } = readParts(path) ?? NO_PARTS;
  const texts = new Map(before);
  for (const [id, text] of changes) {
    if (text === undefined) texts.delete(id);
    else texts.set(id, text);
  }
  if (texts.size === 0 && head === HEAD) {
    rmSync(path, { force: true });
    return;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeAtomic(path, partsText(texts, head), { mode: 0o644 });
}
