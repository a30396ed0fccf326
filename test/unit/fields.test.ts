import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ruleOf, unitOf } from '../../src/fields.ts';
import { BUILTIN_FIELDS } from '../../src/supervisors/builtin/fields.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const schema = JSON.parse(
  readFileSync(new URL('../../schemas/service.schema.json', import.meta.url), 'utf8'),
) as Schema;
const resolved = (node: Schema): Schema => schema.$defs?.[node.$ref?.replace('#/$defs/', '') ?? ''] ?? node;

/** Every leaf by its dotted path; lists are leaves, `*` stands for any key. */
function leaves(node: Schema, path: readonly string[]): string[] {
  const entries = Object.entries(node.properties ?? {});
  if (typeof node.additionalProperties === 'object') entries.push(['*', node.additionalProperties]);
  if (entries.length === 0) return [path.join('.')];
  return entries.flatMap(([key, child]) => leaves(resolved(child), [...path, key]));
}

const all = leaves(schema, []).filter((leaf) => leaf !== '$schema');

it('has exactly one rule for every leaf of the schema, and none besides', () => {
  expect(all.length).toBeGreaterThan(40);
  expect(Object.keys(BUILTIN_FIELDS).sort()).toEqual([...all].sort());
  for (const leaf of all) expect(ruleOf(BUILTIN_FIELDS, leaf.replace('*', 'ANY'))).toBe(BUILTIN_FIELDS[leaf]);
});

it('says why wherever a field is refused', () => {
  for (const rule of Object.values(BUILTIN_FIELDS)) if (rule.by === 'refused') expect(rule.note).toBeTruthy();
});

it('knows the unit of every duration and size in the schema', () => {
  const unit = (node: Schema) =>
    ['duration', 'size'].includes(node.$ref?.slice(8) ?? '') ? node.$ref?.slice(8) : undefined;
  const walk = (node: Schema, path: string): void => {
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const field = path === '' ? key : `${path}.${key}`;
      expect([field, unitOf(field)]).toEqual([field, unit(child)]);
      walk(resolved(child), field);
    }
    if (path === 'health' && node.items) walk(node.items, path);
  };
  walk(schema, '');
});
