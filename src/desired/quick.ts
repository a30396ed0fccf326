import { isTree, type Tree } from './layer.ts';
import { CORE_SCHEMA, defineMappingTag, load, mapTag } from './quick-library.ts';

/** YAML 1.2, core schema; a key that is no text is for the other parser, to which it is the text as written. */
const MAP = defineMappingTag('tag:yaml.org,2002:map', {
  ...mapTag,
  addPair: (carrier, key, value) =>
    typeof key === 'string' ? mapTag.addPair(carrier as Tree, key, value) : 'a key must be text',
});
const SCHEMA = CORE_SCHEMA.withTags(MAP);

/** Anchors, aliases, tags, directives, several documents, explicit keys, tabs, and what is no line break or text. */
const UNUSUAL = /[&*!%\u2028\u2029\ufeff]|(?!\n)\p{Cc}|^---|^\.\.\.|^ *\? /mu;

/** Something behind what ends a value on its line, which this parser passes over, and the other does not. */
const BEHIND = [
  /(?:[\]}]|''|""|[^\s:,{[("']["'])[ ]*[^\s#,\]}:].*:/,
  /^\s*(?:-\s+)+(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ ]*[^\s#,\]}:]/m,
];

/**
 * What a file in plain YAML holds, in a fraction of the time that the parser takes that knows where everything is;
 * undefined for any that this parser does not take, or could take otherwise: that one decides then, and says what is wrong.
 * A test compares the two on random texts.
 */
export function parseQuickly(text: string): Tree | undefined {
  if (UNUSUAL.test(text) || BEHIND.some((pattern) => pattern.test(text))) return undefined;
  try {
    const value = load(text, { schema: SCHEMA });
    return isTree(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
