import { lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../canonical.ts';
import { at, type Path, type Tree } from '../desired/layer.ts';
import { mergePatch } from '../desired/merge.ts';
import { schemaAt } from '../desired/schema.ts';
import { sourceOf } from '../desired/source.ts';
import { Failure } from '../problem.ts';
import { edited, Unwritable } from './edit.ts';
import { fieldPath } from './field.ts';
import { type AllFiles, type Subject, treeIn } from './files-of.ts';
import { type At, layersOf, placeFor, type WhichLayer } from './layers.ts';
import { refuseSecret } from './no-secrets.ts';
import { bare, copied, type Edit, editTree, isSame } from './tree.ts';
import { typedItems, typedValue } from './typed.ts';
import type { Asked } from './words.ts';

/** A file of the desired state as it is and as it is to be. */
export interface Change {
  /** Relative to the desired-state directory. */
  readonly path: string;
  /** Where it really is, behind all links. */
  readonly real: string;
  /** Undefined: there is none yet. */
  readonly from: string | undefined;
  readonly to: string;
}

/** One field as it was and as it is to be, in the files of this host together. */
export interface FieldChange {
  readonly subject: string;
  readonly field: string;
  readonly path: Path;
  readonly from: Json | undefined;
  readonly to: Json | undefined;
  /** The file that is to say it. */
  readonly file: string;
  readonly shown: string;
}

export interface Made {
  readonly changes: readonly Change[];
  readonly fields: readonly FieldChange[];
  /** What is otherwise than one may think, in words. */
  readonly notes: readonly string[];
}

/** All that was asked for as one edit of files; nothing is written. Fails with the first thing that can't be asked for. */
export function makeChanges(files: AllFiles, asked: readonly Asked[], layer: WhichLayer | undefined): Made {
  const texts = new Map<string, At>();
  const fields: FieldChange[] = [];
  const notes: string[] = [];
  for (const one of asked) {
    const subject = files.subjects.get(one.name) as Subject;
    const layers = () => layersOf(subject, texts);
    const merged = () => layers().reduce<unknown>((below, { value }) => mergePatch(below, value), {}) as Tree;
    const before = merged();
    const path = fieldPath(subject.kind, one.name, one.field, before);
    const wanted = editsFor(subject, path, one, at(before, path));
    const place = placeFor(files, subject, path, layers(), layer, one);
    const now = copied(before);
    for (const edit of wanted) editTree(now, edit);
    const own = place.file.kind === 'base' ? wanted.map(noNull(one)) : wanted;
    const said = own.flatMap((edit) => inFile(edit, place.file, before, now, one));
    refuseSecret(subject.kind, path, before, now, one);
    const text = write(place.file, said, one);
    if (said.some(({ kind }) => kind === 'remove')) refuseEmpty(place.file.path, text, one);
    texts.set(place.file.path, { ...place.file, text });
    const after = merged();
    notes.push(...told(one, path, { before, now, after }, layers(), place.isChosen));
    fields.push({
      ...{ subject: one.name, field: one.field, path, file: place.file.path, shown: one.shown },
      from: at(before, path) as Json | undefined,
      to: at(after, path) as Json | undefined,
    });
  }
  const changes = [...texts.values()].flatMap(({ path, from, text }): Change[] =>
    text === from ? [] : [{ path, real: realOf(files.root, path), from, to: text }],
  );
  return { changes, fields, notes };
}

/** What is to become of the value as a whole. */
function editsFor({ kind }: Subject, path: Path, one: Asked, there: unknown): readonly Edit[] {
  const { how, text, shown } = one;
  switch (how) {
    case 'unset':
      return [{ kind: 'remove', path }];
    case 'set': {
      const value = typedValue(kind, path, text, shown);
      return [value === null ? { kind: 'remove', path } : { kind: 'set', path, value }];
    }
    case 'add':
    case 'take': {
      if (!Array.isArray(there) && (there !== undefined || schemaAt(kind, path)?.type !== 'array'))
        throw cannot(one, `${one.field} is no list`, `reconcile set ${one.name}.${one.field}=VALUE`);
      const items = typedItems(kind, path, text, shown);
      if (how === 'add') return items.map((value) => ({ kind: 'add', path, value }));
      const left = [...((there ?? []) as unknown[])];
      return items.map((item): Edit => {
        const index = left.findIndex((other) => isSame(other, item));
        if (index === -1)
          throw cannot(one, `it is not in ${one.name}.${one.field}`, `there are ${JSON.stringify(there ?? [])}`);
        left.splice(index, 1);
        return { kind: 'remove', path: [...path, index] };
      });
    }
  }
}

/** `null` deletes what lies below: at the bottom there is nothing below. */
function noNull({ how, name, field }: Asked): (edit: Edit) => Edit {
  return (edit) => {
    if (how === 'set' && edit.kind === 'remove')
      throw new Failure({
        code: 'null-in-base',
        summary: `cannot set ${name}.${field} to null: null deletes in a layer what one below says, and below this file is none`,
        hint: `to remove it: reconcile unset ${name}.${field}`,
      });
    return edit;
  };
}

/** What it is in one file: a list that another layer says is said whole; what another layer says is deleted with null. */
function inFile(edit: Edit, file: At, before: Tree, now: Tree, one: Asked): readonly Edit[] {
  const number = edit.path.findIndex((key) => typeof key === 'number');
  const list = edit.kind === 'add' ? edit.path : number === -1 ? undefined : edit.path.slice(0, number);
  const isElsewhere = list !== undefined && at(file.value, list) === undefined && at(before, list) !== undefined;
  if (isElsewhere) return [{ kind: 'set', path: list, value: at(now, list) as Json }];
  if (edit.kind !== 'remove' || at(file.value, edit.path) === null) return [edit];
  const isWritten = at(file.value, edit.path) !== undefined;
  if (one.how === 'set' || (!isWritten && file.kind !== 'base')) return [{ kind: 'set', path: edit.path, value: null }];
  return [edit];
}

function write({ path, text }: At, edits: readonly Edit[], one: Asked): string {
  try {
    return edited(text, edits);
  } catch (error) {
    if (!(error instanceof Unwritable)) throw error;
    throw new Failure({
      code: 'cannot-edit',
      summary: `cannot edit ${path} for ${one.shown}: ${error.because}`,
      file: path,
      hint:
        error.shared.length === 0 ? 'edit it by hand' : 'write out the value where the alias is, then do this again',
    });
  }
}

/** A file that says nothing is an error of its own. */
function refuseEmpty(path: string, text: string, one: Asked): void {
  if (Object.keys(treeIn({ source: sourceOf(path, text) })).length > 0) return;
  throw cannot(one, `nothing would be left in ${path}`, `remove the file: git rm ${path}`);
}

/** Where this host has another value afterwards than one would think. */
function told(
  one: Asked,
  path: Path,
  { before, now, after }: { readonly before: Tree; readonly now: Tree; readonly after: Tree },
  layers: readonly At[],
  isChosen: boolean,
): readonly string[] {
  if (isSame(bare(now), bare(after))) return [];
  const field = `${one.name}.${one.field}`;
  const says = layers.findLast(({ value }) => at(value, path) !== undefined);
  if (isSame(at(now, path), at(after, path)) && !isChosen)
    throw cannot(
      one,
      'more would come back that a layer below says',
      `say which file: --layer base, label:NAME or host`,
    );
  const isAsBefore = isSame(at(before, path), at(after, path));
  const where = says === undefined ? 'another layer' : says.path;
  if (one.how === 'unset')
    return [`${field} is what ${where} says then; without that too: reconcile set ${field}=null --layer host`];
  return [
    isAsBefore
      ? `${where} says ${field} otherwise, and that stays in force on this host`
      : `${where} has a say in ${field} too`,
  ];
}

function cannot({ shown, how }: Asked, because: string, hint: string): Failure {
  return new Failure({
    code: 'cannot-set',
    summary: `cannot ${how === 'unset' ? 'unset' : 'set'} ${shown}: ${because}`,
    hint,
  });
}

function realOf(root: string, path: string): string {
  const full = join(root, path);
  return lstatSync(full, { throwIfNoEntry: false }) === undefined ? full : realpathSync(full);
}
