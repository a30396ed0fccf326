import { closest } from '../closest.ts';
import { at, dotted, isTree, type Kind, type Path } from '../desired/layer.ts';
import { elsewhere, keysAt, type Schema, schemaAt } from '../desired/schema.ts';
import { suggestKey } from '../desired/suggest.ts';
import { Failure } from '../problem.ts';

/**
 * The path that a field names: `health.0.every`, `health[0].every`, or by the name of the item `health.api.every`. Fails with
 * what would be right where the schema has no such field, unless somebody has written it (so that it can be removed).
 */
export function fieldPath(kind: Kind, name: string, field: string, value: unknown): Path {
  const steps = field.replace(/\[(\d+)\]/g, '.$1').split('.');
  const path: (string | number)[] = [];
  for (const step of steps) {
    const here = at(value, path);
    const schema = schemaAt(kind, path);
    const fail = (summary: string, hint: string) =>
      new Failure({ code: 'unknown-field', summary: `cannot find ${name}.${field}: ${summary}`, hint });
    if (step === '') throw fail('a part of it is empty', 'write NAME.FIELD.FIELD');
    if (isList(schema) || Array.isArray(here)) path.push(itemOf(here, step, path, fail));
    else if (schema !== undefined && !isMap(schema) && !isTree(here))
      throw fail(`${dotted(path)} is one value, with no fields`, `reconcile set ${name}.${dotted(path)}=VALUE`);
    else if (schemaAt(kind, [...path, step]) === undefined && at(value, [...path, step]) === undefined) {
      const known = keysAt(kind, path).filter((key) => at(value, [...path, key]) === undefined || closest(step, [key]));
      const meant = suggestKey(kind, step, known, elsewhere(kind, step));
      const place = path.length === 0 ? '' : ` in ${dotted(path)}`;
      throw fail(
        `unknown key '${step}'${place}`,
        meant === undefined ? `known are ${keysAt(kind, path).join(', ')}` : `did you mean '${meant}'?`,
      );
    } else path.push(step);
  }
  return path;
}

function itemOf(here: unknown, step: string, path: Path, fail: (summary: string, hint: string) => Failure): number {
  const items = Array.isArray(here) ? here : [];
  const count = `${dotted(path)} has ${items.length === 0 ? 'no items' : items.length === 1 ? '1 item' : `${items.length} items`}`;
  if (/^\d+$/.test(step)) {
    if (Number(step) < items.length) return Number(step);
    throw fail(`${count}, counted from 0`, `one more: NAME.${dotted(path)}+=VALUE`);
  }
  const names = items.map((item) => (isTree(item) && typeof item.name === 'string' ? item.name : ''));
  const index = names.indexOf(step);
  if (index !== -1) return index;
  const near = closest(
    step,
    names.filter((name) => name !== ''),
  );
  throw fail(
    `${count}, and none is called '${step}'`,
    near === undefined ? `name one by its number: ${dotted(path)}.0` : `did you mean '${near}'?`,
  );
}

function isList(schema: Schema | undefined): boolean {
  return schema?.type === 'array';
}

function isMap(schema: Schema): boolean {
  return schema.properties !== undefined || typeof schema.additionalProperties === 'object' || schema.type === 'object';
}
