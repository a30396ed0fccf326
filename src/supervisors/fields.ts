import { digest, type Json } from '../canonical.ts';
import { ruleOf, unitOf } from '../fields.ts';
import type { Definition, Fields, FieldTable, Service } from '../model.ts';
import type { Problem } from '../problem.ts';
import { parseDuration, parseSize } from '../units.ts';

type Tree = { readonly [key: string]: Json };

/** What people wrote, as dotted leaves in sorted order with units as numbers; empty lists and maps are as if not written. */
export function writtenFields(service: Service): Fields {
  const leaves: [string, Json][] = [];
  const walk = (prefix: string, value: Json): void => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, item] of Object.entries(value as Tree)) walk(prefix === '' ? key : `${prefix}.${key}`, item);
    } else if (!Array.isArray(value) || value.length > 0) leaves.push([prefix, canonicalUnit(prefix, value)]);
  };
  walk('', service.written as unknown as Tree);
  const fields = Object.fromEntries(leaves.sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const field of ['restartOn', 'environmentFiles']) {
    const paths = fields[field];
    if (Array.isArray(paths)) fields[field] = paths.map((path) => [path, service.inputs[`${field}:${path}`] ?? null]);
  }
  return fields;
}

/** What a gate is made of is nothing to any supervisor: the one who applies asks it. */
export const GATE_FIELDS: FieldTable = Object.fromEntries(
  [
    'http.url',
    'http.status',
    'http.headers.*',
    'http.body',
    'http.json.path',
    'http.json.equals',
    'http.insecure',
    'tcp.address',
    'exec.command',
    'file.path',
    'file.changedWithin',
    'every',
    'tryFor',
    'timeout',
    'otherwise',
  ].map((leaf) => [`gate.${leaf}`, { effect: 'none', by: 'daemon' }]),
);

/**
 * The definition of a service under a field table: its written fields but those with effect `none`, and the digest of
 * the restart-relevant ones. Fields that the table refuses are problems; a field it does not know is a defect of ours.
 */
export function defineBy(table: FieldTable, supervisor: string, service: Service): Definition | Problem[] {
  const problems: Problem[] = [];
  const kept: Record<string, Json> = {};
  const restarting: Record<string, Json> = {};
  for (const [field, value] of Object.entries(writtenFields(service))) {
    if (field === '$schema') continue;
    const rule = ruleOf(table, field);
    if (!rule) throw new Error(`no rule for field ${field} under ${supervisor}`);
    if (rule.by === 'refused') problems.push(refusal(service, field, supervisor, rule.note));
    if (rule.effect !== 'none') kept[field] = value;
    if (rule.effect === 'restart') restarting[field] = value;
  }
  return problems.length > 0 ? problems : { hash: digest(restarting), fields: kept };
}

/** A field that somebody wrote and this supervisor can't make true. */
export function refusal(service: Service, field: string, supervisor: string, hint?: string): Problem {
  return {
    code: 'not-supported',
    summary: `${field}: not supported yet by supervisor ${supervisor}`,
    file: service.file,
    field,
    ...(hint === undefined ? {} : { hint }),
  };
}

function canonicalUnit(field: string, value: Json): Json {
  if (typeof value === 'string') {
    const unit = unitOf(field);
    if (unit === 'duration') return parseDuration(value) ?? value;
    if (unit === 'size') return parseSize(value) ?? value;
  }
  if (field === 'health' && Array.isArray(value)) {
    return value.map((probe) => canonicalTree(field, probe as Tree));
  }
  return value;
}

/** A probe, with whatever is in it. */
function canonicalTree(prefix: string, tree: Tree): Json {
  return Object.fromEntries(
    Object.entries(tree).map(([key, item]) => {
      const field = `${prefix}.${key}`;
      const isTree = item !== null && typeof item === 'object' && !Array.isArray(item);
      return [key, isTree ? canonicalTree(field, item as Tree) : canonicalUnit(field, item)];
    }),
  );
}
