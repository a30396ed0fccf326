import schema from '../../schemas/service.schema.json' with { type: 'json' };
import type { Json } from '../canonical.ts';
import { canonical } from '../canonical.ts';
import { yaml } from '../desired/yaml.ts';

/** Keys of a service file in the order of its schema; that nothing is done to it stands where its state does. */
const ORDER: readonly string[] = Object.keys(schema.properties)
  .filter((key) => key !== 'mode')
  .flatMap((key) => (key === 'autostart' ? [key, 'mode'] : [key]));

/** Keys that begin a part of it: a line is left free before each part. */
const PARTS = ['description', 'command', 'start', 'health', 'restartOn', 'supersedes', 'raw'];

export const SCHEMA_LINE = ' yaml-language-server: $schema=../../schemas/service.schema.json';

/** So wide a value may be to stand on the line of its key. */
const WIDE = 110;

/**
 * The text of a service file: its keys in order, with what a person should know above each. What is read from it is
 * exactly the value: anything else is a defect of ours. The YAML library has to be loaded.
 */
export function fileText(
  value: Readonly<Record<string, Json>>,
  comments: ReadonlyMap<string, string>,
  schemaLine = SCHEMA_LINE,
): string {
  const { Document, isMap, isSeq } = yaml();
  const sorted = sortedKeys(value);
  const document = new Document(sorted, { aliasDuplicateObjects: false });
  const { contents } = document;
  if (!isMap(contents)) throw new Error('such a file is a map');
  let before: string | undefined;
  for (const pair of contents.items) {
    const { key, value } = pair as {
      key: { value: string; commentBefore?: string; spaceBefore?: boolean };
      value: unknown;
    };
    const name = key.value;
    const comment = comments.get(name);
    if (comment !== undefined) key.commentBefore = commented(comment);
    key.spaceBefore = before !== undefined && partOf(name) !== partOf(before);
    before = name;
    const fits = (one: unknown) =>
      JSON.stringify(one).length + name.length <= WIDE && !JSON.stringify(one).includes('\\n');
    const of = sorted[name];
    if (isMap(value)) value.flow = fits(of) && name !== 'environment' && name !== 'raw';
    if (isSeq(value)) {
      value.flow = fits(of) && (name !== 'supersedes' || value.items.length === 1);
      // Each thing on a line of its own.
      if (!value.flow) for (const item of value.items) if (isMap(item) || isSeq(item)) item.flow = true;
    }
    if (name === 'raw' && isMap(value))
      for (const { value: lines } of value.items)
        if (isSeq(lines))
          for (const line of lines.items) if (isSeq(line)) line.flow = !JSON.stringify(line).includes('\\n');
  }
  const head = comments.get('');
  const top = `#${schemaLine}\n${
    head === undefined
      ? ''
      : `${commented(head)
          .split('\n')
          .map((line) => `#${line}`)
          .join('\n')}\n`
  }\n`;
  const padded = document.toString({ lineWidth: 0 });
  // As people write them: `[a, b]`, and `{ a: b }`.
  const body = [padded.replace(PADDING, (all, quoted: string | undefined) => quoted ?? all.trim()), padded].find(
    (one) => says(one, sorted),
  );
  if (body === undefined) throw new Error(`cannot write ${JSON.stringify(sorted)}`);
  return `${top}${body}`;
}

/** Blanks within brackets, but not within quotes. */
const PADDING = /("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|\[ (?=\S)|(?<=\S) \]/g;

function says(text: string, value: Readonly<Record<string, Json>>): boolean {
  try {
    return canonical(yaml().parse(text) as Json) === canonical(value);
  } catch {
    return false;
  }
}

/** What is no key of a service is of no part. */
function partOf(key: string): number {
  const at = ORDER.indexOf(key);
  return PARTS.filter((first) => ORDER.indexOf(first) <= at).length;
}

function sortedKeys(service: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  // Of another file its keys are in order already.
  if (!('supervisor' in service)) return service;
  const keys = Object.keys(service).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return Object.fromEntries(keys.map((key) => [key, service[key] as Json]));
}

/** Lines for behind a `#`, with nothing in them that could end a comment or trouble a terminal. */
function commented(text: string): string {
  return text
    .split('\n')
    .map((line) => ` ${line.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')}`)
    .join('\n');
}
