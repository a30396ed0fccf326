export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON text with sorted keys: equal values give equal text. */
export function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const object = value as { readonly [key: string]: Json };
  return `{${Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key] ?? null)}`)
    .join(',')}}`;
}

/** The first `length` hex digits of the SHA-256 of a text or of a value's canonical JSON. */
export function digest(value: Json, length = 16): string {
  // Loaded by whoever digests: to load it takes longer than to show a plan.
  const { hash } = process.getBuiltinModule('node:crypto');
  return hash('sha256', canonical(value), 'hex').slice(0, length);
}

export function equal(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && canonical(a) === canonical(b));
}
