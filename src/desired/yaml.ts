import type { library } from './yaml-library.ts';

type Library = typeof library;
let loaded: Library | undefined;

/** Loads the parser; most runs never need it, since they find every file in the cache. */
export async function loadYaml(): Promise<Library> {
  loaded ??= (await import('./yaml-library.ts')).library;
  return loaded;
}

/** The parser, which the caller's caller has loaded: looking up one position can't wait. */
export function yaml(): Library {
  if (loaded === undefined) throw new Error('the YAML parser is used before it is loaded');
  return loaded;
}

/** YAML 1.2, core schema, no merge keys, no tags but the core ones. */
export const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  stringKeys: true,
  prettyErrors: false,
  logLevel: 'error',
} as const;
