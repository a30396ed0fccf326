import { canonical, equal, type Json } from '../canonical.ts';
import { ruleOf } from '../fields.ts';
import type { Definition, FieldChange, FieldEffect, Fields, FieldTable, Reason } from '../model.ts';
import { maskField } from '../secrets.ts';

/** Fields that were found equal to these before: a daemon compares the same two again and again. */
const alike = new WeakMap<Fields, Fields>();

/**
 * The fields in which two definitions differ, sorted, their values masked. Where the hashes are equal no change is a
 * reason to restart (the record may have been edited by hand, the process was not); nor is a field that the table does
 * not know, which another version of this tool may have written.
 */
export function changesBetween(from: Definition, to: Definition, table: FieldTable): FieldChange[] {
  if (alike.get(from.fields) === to.fields) return [];
  const names = new Set([...Object.keys(from.fields), ...Object.keys(to.fields)]);
  const different = [...names].filter((name) => !equal(own(from.fields, name), own(to.fields, name)));
  if (different.length === 0) alike.set(from.fields, to.fields);
  return different.sort().map((name) => {
    const declared = ruleOf(table, name)?.effect ?? 'live';
    const effect: FieldEffect = declared === 'restart' && from.hash === to.hash ? 'live' : declared;
    return { field: name, effect, ...shown('from', from.fields, name), ...shown('to', to.fields, name) };
  });
}

export function restarts(changes: readonly FieldChange[]): boolean {
  return changes.some(({ effect }) => effect === 'restart');
}

/** Would a new process apply what this one does not? */
export function stages(changes: readonly FieldChange[]): boolean {
  return changes.some(({ effect }) => effect === 'staged');
}

export function changed(changes: readonly FieldChange[]): Reason {
  return { kind: 'changed', changes };
}

/** Equal for definitions that start the same program: is one perhaps the other under a new name? */
export function programOf(fields: Fields | undefined): string | undefined {
  if (fields?.command === undefined) return undefined;
  return canonical(['command', 'directory', 'user'].map((name) => own(fields, name) ?? null));
}

function own(fields: Fields, name: string): Json | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function shown(key: 'from' | 'to', fields: Fields, name: string): { readonly from?: Json; readonly to?: Json } {
  const value = maskField(name, own(fields, name));
  return value === undefined ? {} : { [key]: value };
}
