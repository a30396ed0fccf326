import { at, type Path } from '../desired/layer.ts';
import { OPTIONS, yaml } from '../desired/yaml.ts';
import { isBare, spliced } from './places.ts';
import type { Form } from './render.ts';
import { splicesFor } from './splice.ts';
import { copied, type Edit, editTree, isSame, type Small, smallEdits, wholeOf } from './tree.ts';

/** The edits can't be made in the way a file is written. */
export class Unwritable extends Error {
  readonly edit: Edit;
  /** The names of values that are written once and meant several times, where that is why. */
  readonly shared: readonly string[];
  constructor(edit: Edit, shared: readonly string[]) {
    super(`cannot edit ${edit.path.join('.')}`);
    this.edit = edit;
    this.shared = shared;
  }

  get because(): string {
    const names = this.shared.map((name) => `*${name}`).join(', ');
    return names === '' ? 'it is written in an unusual way there' : `more would change with it (${names})`;
  }
}

/**
 * The text of a YAML or JSON file with something else in it: comments, order, style and whatever is not touched stay as
 * they are, to the byte. The text has to be one that parses to a map, or to nothing; the parser has to be loaded. Throws
 * `Unwritable` where only more than what was asked for could be changed.
 */
export function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce(editOne, text);
}

function editOne(text: string, edit: Edit): string {
  const before = valueIn(text);
  const wanted = copied(before);
  editTree(wanted, edit);
  const now = smallOf(before, edit).reduce(
    (made, small) => spliced(made, splicesFor(made, parsed(made), small, formOf(made))),
    text,
  );
  if (!isSame(valueIn(now), wanted)) throw new Unwritable(edit, sharedIn(text));
  return now;
}

function smallOf(before: unknown, edit: Edit): readonly Small[] {
  const there = at(before, edit.path);
  if (edit.kind === 'remove') return there === undefined ? [] : removal(before, wholeOf(before, edit.path));
  if (edit.kind === 'set') return smallEdits(there, edit.value, edit.path);
  if (!Array.isArray(there) || there.length === 0) return smallEdits(there, [edit.value], edit.path);
  return [{ kind: 'insert', path: [...edit.path, there.length], value: edit.value }];
}

/** What held one thing alone holds nothing then, which has to be written. */
function removal(before: unknown, path: Path): readonly Small[] {
  const above = path.slice(0, -1);
  const parent = at(before, above) as object;
  if (above.length === 0 || Object.keys(parent).length > 1) return [{ kind: 'remove', path }];
  return [{ kind: 'set', path: above, value: Array.isArray(parent) ? [] : {} }];
}

function parsed(text: string) {
  return yaml().parseDocument(text, { ...OPTIONS, keepSourceTokens: true });
}

function valueIn(text: string): { [key: string]: unknown } {
  const document = parsed(text);
  if (document.errors.length > 0) return { '': document.errors.map(({ message }) => message) };
  return isBare(document) ? {} : (document.toJS() as { [key: string]: unknown });
}

function formOf(text: string): Form {
  return { eol: /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n', json: isJson(text) };
}

function isJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function sharedIn(text: string): readonly string[] {
  const names = new Set<string>();
  yaml().visit(parsed(text), { Alias: (_, { source }) => void names.add(source) });
  return [...names];
}

export type { Edit };
