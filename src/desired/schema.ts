import hostSchema from '../../schemas/host.schema.json' with { type: 'json' };
import policySchema from '../../schemas/policy.schema.json' with { type: 'json' };
import serviceSchema from '../../schemas/service.schema.json' with { type: 'json' };
import supervisorSchema from '../../schemas/supervisor.schema.json' with { type: 'json' };
import type { Kind, Path } from './layer.ts';

/** The words of JSON Schema that our schemas use. */
export interface Schema {
  readonly $ref?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  /** The description of the definition that it refers to. */
  readonly meaning?: string;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema | boolean;
  readonly oneOf?: readonly { readonly required?: readonly string[]; readonly type?: string }[];
  readonly pattern?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const SCHEMAS: Readonly<Record<Kind, Schema>> = {
  service: serviceSchema as unknown as Schema,
  policy: policySchema as unknown as Schema,
  host: hostSchema as unknown as Schema,
  supervisor: supervisorSchema as unknown as Schema,
};

/** The schema of the value at a path; undefined where no such key is known. */
export function schemaAt(kind: Kind, path: Path): Schema | undefined {
  const root = SCHEMAS[kind];
  let here: Schema | undefined = root;
  for (const key of path) {
    if (here === undefined) return undefined;
    const open: Schema | undefined =
      typeof here.additionalProperties === 'object' ? here.additionalProperties : undefined;
    const items: Schema | undefined = typeof here.items === 'object' ? here.items : undefined;
    const next: Schema | undefined = typeof key === 'number' ? items : (own(here.properties, key) ?? open);
    here = resolved(root, next);
  }
  return here;
}

/** The keys known at a path. */
export function keysAt(kind: Kind, path: Path): string[] {
  return Object.keys(schemaAt(kind, path)?.properties ?? {}).filter((key) => key !== '$schema');
}

/** The dotted paths below the top where a key of this name is known (`timeout`: `start.timeout`, `stop.timeout`). */
export function elsewhere(kind: Kind, name: string): string[] {
  const root = SCHEMAS[kind];
  const walk = (schema: Schema | undefined, prefix: string): string[] =>
    Object.entries(schema?.properties ?? {}).flatMap(([key, child]) => [
      ...(key === name ? [`${prefix}${key}`] : []),
      ...walk(resolved(root, child), `${prefix}${key}.`),
    ]);
  return walk(root, '');
}

/** What a value is called and looks like: by its own words, or by those of the definition with the same pattern. */
export function meaningOf(schema: Schema): Schema {
  if (schema.meaning !== undefined) return { ...schema, description: schema.meaning };
  const defs = Object.values(SCHEMAS.service.$defs ?? {});
  return defs.find(({ pattern }) => pattern !== undefined && pattern === schema.pattern) ?? schema;
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** A reference with what it refers to filled in; its own words win. */
function resolved(root: Schema, schema: Schema | undefined): Schema | undefined {
  if (schema?.$ref === undefined) return schema;
  const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
  return { ...target, ...schema, ...(target?.description === undefined ? {} : { meaning: target.description }) };
}
