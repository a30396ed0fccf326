import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ruleOf } from '../../../../src/fields.ts';
import type { Service } from '../../../../src/model.ts';
import { define } from '../../../../src/supervisors/systemd/define.ts';
import { DIRECTIVES } from '../../../../src/supervisors/systemd/directives.ts';
import { SYSTEMD_FIELDS } from '../../../../src/supervisors/systemd/fields.ts';
import { OPTIONS, raw, service } from './make.ts';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const url = new URL('../../../../schemas/service.schema.json', import.meta.url);
const schema = JSON.parse(readFileSync(url, 'utf8')) as Schema;

/** Every leaf by its dotted path; lists are leaves, `*` stands for any key. */
function leaves(node: Schema, path: readonly string[]): string[] {
  const real = schema.$defs?.[node.$ref?.replace('#/$defs/', '') ?? ''] ?? node;
  const entries = Object.entries(real.properties ?? {});
  if (typeof real.additionalProperties === 'object') entries.push(['*', real.additionalProperties]);
  if (entries.length === 0) return [path.join('.')];
  return entries.flatMap(([key, child]) => leaves(child, [...path, key]));
}

/** Raw lines are one list in the schema and two fields in a definition. */
const SPLIT = 'raw.systemd.live';

it('has exactly one rule for every leaf of the schema, and none besides', () => {
  const all = leaves(schema, []).filter((leaf) => leaf !== '$schema');
  expect(all.length).toBeGreaterThan(40);
  expect(Object.keys(SYSTEMD_FIELDS).sort()).toEqual([...all, SPLIT].sort());
  for (const leaf of all) expect(ruleOf(SYSTEMD_FIELDS, leaf.replace('*', 'ANY'))).toBe(SYSTEMD_FIELDS[leaf]);
});

it('says why wherever a field is refused', () => {
  for (const rule of Object.values(SYSTEMD_FIELDS)) if (rule.by === 'refused') expect(rule.note).toBeTruthy();
});

it('makes every field true that it calls native', () => {
  /** What is rendered from more than a value, or is not in the text of a unit at all. */
  const others = ['unit', 'environment.*', 'start.after', 'restartOn', 'generation', 'raw.systemd', SPLIT];
  const native = Object.entries(SYSTEMD_FIELDS).filter(([, { by, effect }]) => by === 'native' && effect !== 'none');
  expect(native.map(([field]) => field).sort()).toEqual([...Object.keys(DIRECTIVES), ...others].sort());
});

interface Frozen {
  readonly name: string;
  readonly written: Service['written'];
  readonly inputs: Service['inputs'];
  readonly hash: string;
}

const stamps = new URL('../../stamps.json', import.meta.url);
const frozen = JSON.parse(readFileSync(stamps, 'utf8')) as readonly Frozen[];

it.each(frozen)('never changes the hash of $name', ({ written, inputs, hash }) => {
  expect(define({ ...service({}, { inputs }), written }, OPTIONS)).toMatchObject({ hash });
});

it('never changes the hash of raw lines', () => {
  const lines = raw(['Service', 'Nice', 5], ['Service', 'MemoryMax', '1G'], ['Service', 'PrivateTmp', true]);
  expect(define(service(lines), OPTIONS)).toMatchObject({ hash: 'b103d325dd590a78' });
});
