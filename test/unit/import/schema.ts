import { readFileSync } from 'node:fs';

/** A schema of the project, as it is in schemas/. */
export function readSchema(name: string): { readonly properties: Readonly<Record<string, unknown>> } {
  return JSON.parse(readFileSync(new URL(`../../../schemas/${name}.schema.json`, import.meta.url), 'utf8')) as {
    readonly properties: Readonly<Record<string, unknown>>;
  };
}
