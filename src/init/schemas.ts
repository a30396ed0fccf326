import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../host/files.ts';

/** Of the package that this is a part of: two folders up both from here and from the bundle's chunks. */
const FOLDER = new URL('../../schemas/', import.meta.url).pathname;

export interface SchemaFile {
  /** `service.schema.json` */
  readonly name: string;
  readonly text: string;
}

/** The schemas of this version, sorted. */
export function ownSchemas(): readonly SchemaFile[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.schema.json'));
  return names.sort().map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));
}

/** The schemas that are kept in a folder and are not as this version has them; none where none is kept there. */
export function staleSchemas(folder: string): readonly string[] {
  const there = ownSchemas().map(({ name, text }) => ({ name, text, kept: readIfThere(join(folder, name)) }));
  if (there.every(({ kept }) => kept === undefined)) return [];
  return there.filter(({ text, kept }) => kept !== text).map(({ name }) => name);
}

/** Is this text a schema of ours, of whatever version? */
export function isOurs(name: string, text: string): boolean {
  try {
    return (JSON.parse(text) as { readonly $id?: unknown }).$id === name;
  } catch {
    return false;
  }
}
