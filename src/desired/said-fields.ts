import type { Json } from '../canonical.ts';
import type { Position } from '../problem.ts';
import type { Said } from '../said.ts';
import { maskField } from '../secrets.ts';
import { dotted, isTree, type Kind, type Path, type Tree } from './layer.ts';
import { type Schema, schemaAt } from './schema.ts';

/**
 * Every field of a file as it is in effect: what is written, with its place, and the defaults that the schema tells of the
 * rest, in its order.
 */
export function saidFields(kind: Kind, written: Tree, locate: (path: Path) => Position | undefined): readonly Said[] {
  const walk = (path: Path, value: unknown): readonly Said[] => {
    const schema = schemaAt(kind, path) ?? {};
    if (isTree(value) || (value === undefined && path.length > 0 && isOpen(schema))) return below(path, schema, value);
    if (Array.isArray(value) && value.some(isTree)) return value.flatMap((item, i) => walk([...path, i], item));
    if (value !== undefined) return [said(path, value, locate(path))];
    const text = defaultOf(schema);
    return text === undefined ? [] : [{ field: dotted(path), value: text, from: { kind: 'default' } }];
  };
  const below = (path: Path, schema: Schema, value: Tree | undefined): readonly Said[] => {
    const known = Object.keys(schema.properties ?? {});
    const keys = [...known, ...Object.keys(value ?? {}).filter((key) => !known.includes(key))];
    const isItem = path.some((step) => typeof step === 'number');
    return keys
      .filter((key) => key !== '$schema')
      .flatMap((key) => {
        const next = [...path, key];
        // Of what a probe or a target is not, nothing is in effect.
        if (value?.[key] === undefined && isItem && schemaAt(kind, next)?.properties !== undefined) return [];
        return walk(next, value?.[key]);
      });
  };
  return below([], schemaAt(kind, []) ?? {}, written);
}

function said(path: Path, value: unknown, at: Position | undefined): Said {
  const field = dotted(path);
  const from: Said['from'] =
    at === undefined ? { kind: 'default' } : { kind: 'file', file: at.file, line: at.line, column: at.column };
  return { field, value: maskField(field, value as Json) ?? null, from };
}

/** A map of which each part is in effect though nobody writes the map: not one that is something only as a whole. */
function isOpen({ properties, oneOf, description }: Schema): boolean {
  return properties !== undefined && oneOf === undefined && !/Default: /.test(description ?? '');
}

/** What the description says behind `Default: `, to the end of its sentence. */
function defaultOf({ description = '' }: Schema): string | undefined {
  return /Default: (.*?)\.?(?:\. .*)?$/s.exec(description)?.[1]?.replace(/^"(.*)"$/, '$1');
}

/** The dotted paths of all that a file can say, as far as they are known: a map of anything ends with a dot. */
export function knownFields(kind: Kind, path: Path = []): readonly string[] {
  const schema = schemaAt(kind, path) ?? {};
  const keys = Object.keys(schema.properties ?? {}).filter((key) => key !== '$schema');
  if (keys.length > 0) return keys.flatMap((key) => knownFields(kind, [...path, key]));
  return [`${dotted(path)}${typeof schema.additionalProperties === 'object' ? '.' : ''}`];
}

/** The words that a field takes; none where it takes anything. */
export function wordsOf(kind: Kind, field: string): readonly string[] {
  const { enum: words = [], type } = schemaAt(kind, field.split('.')) ?? {};
  return type === 'boolean' ? ['true', 'false'] : words;
}
