import type { ErrorObject } from 'ajv';
import type { Json } from '../canonical.ts';
import { closest } from '../closest.ts';
import { maskField } from '../secrets.ts';
import type { Finding } from './finding.ts';
import { host, policy, service, supervisor } from './generated/validate.js';
import { at, dotted, isTree, type Kind, type Path } from './layer.ts';
import { elsewhere, keysAt, meaningOf, type Schema, schemaAt } from './schema.ts';
import { suggestDuration, suggestKey, suggestSize, suggestValue } from './suggest.ts';

const VALIDATE = { service, policy, host, supervisor };

/** What a value breaks of its schema: one finding for one mistake. */
export function checkSchema(kind: Kind, value: unknown): Finding[] {
  if (VALIDATE[kind](value)) return [];
  const errors = VALIDATE[kind].errors ?? [];
  const findings = errors.map((error) => explain(kind, value, error)).filter((finding) => finding !== undefined);
  const meant = new Set(findings.map(({ path, meant }) => meant && key([...path.slice(0, -1), ...meant.split('.')])));
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const place = key(finding.path);
    if (finding.code === 'missing-key' && meant.has(place)) return false;
    if (finding.code === 'which-of' && [...meant].some((path) => path?.startsWith(place.slice(0, -1)))) return false;
    if (seen.has(place) && finding.code !== 'missing-key') return false;
    seen.add(place);
    return true;
  });
}

function key(path: Path): string {
  return JSON.stringify(path);
}

function explain(kind: Kind, root: unknown, error: ErrorObject): Finding | undefined {
  const path = pathOf(error.instancePath, root);
  const schema = schemaAt(kind, path) ?? {};
  const value = at(root, path);
  const where = dotted(path);
  const wrong = (code: string, summary: string, hint?: Finding['hint']): Finding => ({
    code,
    path,
    part: 'value',
    summary: `${where}: ${summary}`,
    ...(hint === undefined ? {} : { hint }),
  });
  // The branches of a oneOf are told by the oneOf itself, a bad property name by its propertyNames.
  if (error.schemaPath.includes('/oneOf/') || error.propertyName !== undefined) return undefined;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(kind, root, [...path, String(error.params.additionalProperty)]);
    case 'propertyNames':
      return badKey([...path, String(error.params.propertyName)]);
    case 'required':
      return missingKey(kind, path, String(error.params.missingProperty));
    case 'oneOf':
      if (schema.oneOf?.some((branch) => branch.type !== undefined))
        return wrong('bad-value', `can't be ${shown(path, value)}`, exampleHint(schema));
      return whichOf(path, schema, value);
    case 'type':
      return wrong(
        'wrong-type',
        `must be ${typeWords(schema)}, not ${typeOf(value)}`,
        typeHint(kind, path, schema, value),
      );
    case 'enum': {
      const allowed = schema.enum ?? [];
      const near = suggestValue(value, allowed);
      const hint =
        near === undefined
          ? `one of ${allowed.join(', ')}`
          : `did you mean '${near}'? It is one of ${allowed.join(', ')}`;
      return wrong('not-allowed', `can't be ${shown(path, value)}`, hint);
    }
    case 'pattern':
      return wrong('bad-value', `${shown(path, value)} is not ${nounOf(schema, path)}`, patternHint(schema, value));
    case 'minimum':
    case 'maximum': {
      const bound = `${error.keyword === 'minimum' ? 'at least' : 'at most'} ${error.params.limit}`;
      return wrong('out-of-range', `${shown(path, value)} is out of range`, `write a number of ${bound}`);
    }
    case 'minItems':
    case 'maxItems':
    case 'minProperties':
      return wrong(
        'wrong-length',
        sizeWords(error, value),
        exampleHint(schema) ?? exampleHint(meaningOf(schemaAt(kind, path.slice(0, -1)) ?? {})),
      );
    case 'uniqueItems': {
      const item = [...path, Number(error.params.i)];
      return {
        ...wrong('listed-twice', `${shown(item, at(root, item))} is listed twice`, 'keep one of them'),
        path: item,
      };
    }
    default:
      return wrong('bad-value', error.message ?? 'is not valid');
  }
}

function unknownKey(kind: Kind, root: unknown, path: Path): Finding {
  const name = String(path.at(-1));
  const parent = path.slice(0, -1);
  const siblings = keysAt(kind, parent).filter((sibling) => at(root, [...parent, sibling]) === undefined);
  const meant = suggestKey(kind, name, siblings, elsewhere(kind, name));
  const place = parent.length === 0 ? '' : ` in ${dotted(parent)}`;
  const base = { code: 'unknown-key', path, part: 'key' as const, summary: `unknown key '${name}'${place}` };
  if (name === 'name' && parent.length === 0) return { ...base, hint: `a ${kind}'s name is the name of its file` };
  if (meant !== undefined) return { ...base, meant, hint: `did you mean '${meant}'?` };
  const there = suggestKey(kind, name, keysAt(kind, parent), []);
  if (there !== undefined) return { ...base, hint: `did you mean '${there}'? That is there too: keep one` };
  if (name === '<<') return { ...base, hint: 'YAML 1.2 has no merge keys: write the keys out' };
  return { ...base, hint: `known are ${keysAt(kind, parent).join(', ')}` };
}

function badKey(path: Path): Finding {
  const summary = `${dotted(path.slice(0, -1))}: '${path.at(-1)}' is no name for a variable`;
  return { code: 'bad-key', path, part: 'key', summary, hint: "letters, digits and '_', and no digit first" };
}

function missingKey(kind: Kind, path: Path, name: string): Finding {
  const example = schemaAt(kind, [...path, name])?.examples?.[0];
  const place = path.length === 0 ? '' : ` in ${dotted(path)}`;
  const hint = `add \`${name}: ${example === undefined ? '…' : flow(example)}\``;
  return { code: 'missing-key', path: [...path, name], part: 'key', summary: `missing key '${name}'${place}`, hint };
}

const TCP = 'tcp: { address: 127.0.0.1:8080 }';
const FILE = 'file: { path: scans.log }';
const SIGNAL = 'signal: HUP';

function whichOf(path: Path, schema: Schema, value: unknown): Finding {
  const several = path[0] === 'health' && path.length === 2 ? 'write two probes' : 'keep one of them';
  const options = (schema.oneOf ?? []).flatMap(({ required }) => required ?? []);
  const written = options.filter((option) => isTree(value) && Object.hasOwn(value, option));
  const example = options.includes('tcp') ? TCP : options.includes('signal') ? SIGNAL : FILE;
  const summary =
    written.length === 0
      ? `${dotted(path)}: needs one of ${options.join(', ')}`
      : `${dotted(path)}: has ${written.join(' and ')}, but only one of ${options.join(', ')} can be`;
  return {
    code: 'which-of',
    path,
    part: 'key',
    summary,
    hint: written.length > 1 ? several : `for example \`${example}\``,
  };
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  null: 'null',
  number: 'a number',
  object: 'keys with values',
  string: 'text',
};

function typeWords({ type }: Schema): string {
  return [type ?? []]
    .flat()
    .map((name) => TYPES[name] ?? name)
    .join(' or ');
}

function typeOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'boolean' ? String(value) : typeof value === 'object' ? 'keys with values' : 'text';
}

function typeHint(kind: Kind, path: Path, schema: Schema, value: unknown): Finding['hint'] {
  switch (schema.type) {
    case 'string': {
      if (typeof value === 'object') return exampleHint(schema);
      const unit = unitHint(schema, value);
      return unit ?? ((written) => (written === undefined ? 'quote it' : `quote it: "${written}"`));
    }
    case 'array':
      if (path.length === 1 && path[0] === 'command') return exampleHint(schema);
      if (isTree(value)) return 'make it a list: put `- ` before its first key';
      return (written) => (written === undefined ? 'write it as a list' : `write [${written}]`);
    case 'object': {
      const keys = keysAt(kind, path);
      return keys.length > 0 ? `its keys are ${keys.join(', ')}` : 'write `NAME: value` lines';
    }
    case 'boolean':
      return 'write true or false';
    default:
      return typeof value === 'string' && /^[0-9]+$/.test(value) ? `write ${value} without quotes` : undefined;
  }
}

function nounOf(schema: Schema, path: Path): string {
  const { title, description } = meaningOf(schema);
  if (title !== undefined) return /^[aeiou]/.test(title) ? `an ${title}` : `a ${title}`;
  return description === undefined ? 'valid' : `a valid ${dotted(path).replace(/.*\.|\[[0-9]+\]$/g, '')}`;
}

function unitHint({ title }: Schema, value: unknown): string | undefined {
  if (title === 'size' && /^[0-9]+$/.test(String(value))) return `add a unit: ${value}MB, or ${value}B`;
  const made = title === 'duration' ? suggestDuration(value) : title === 'size' ? suggestSize(value) : undefined;
  return made === undefined ? undefined : `write ${made}`;
}

function patternHint(schema: Schema, value: unknown): string {
  const unit = unitHint(schema, value);
  if (unit !== undefined) return unit;
  const { description = '', examples = [] } = { ...schema, ...meaningOf(schema) };
  const words = examples.filter((example) => typeof example === 'string');
  const near = typeof value === 'string' ? closest(value, words) : undefined;
  if (near !== undefined) return `did you mean '${near}'?`;
  const [sentence = ''] = description.split(/\.(?: |$)/);
  return [sentence, ...(words.length > 0 ? [`for example ${words.join(', ')}`] : [])].join('; ');
}

function exampleHint({ examples, description }: Schema): string | undefined {
  if (examples?.[0] !== undefined) return `for example ${examples.map((example) => flow(example)).join(' or ')}`;
  return description?.split(/\.(?: |$)/)[0];
}

function sizeWords({ keyword, params }: ErrorObject, value: unknown): string {
  if (Array.isArray(value) ? value.length === 0 : keyword === 'minProperties') return 'is empty';
  return `must have ${params.limit} items`;
}

/** A value as one would write it in YAML on one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => flow(item)).join(', ')}]`;
  if (isTree(value))
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key}: ${flow(item)}`)
      .join(', ')} }`;
  return typeof value === 'string' && /^[\w./-]*[a-zA-Z/][\w./-]*$/.test(value) ? value : JSON.stringify(value);
}

function shown(path: Path, value: unknown): string {
  const text = JSON.stringify(maskField(dotted(path), value as Json)) ?? 'nothing';
  const plain = typeof value === 'string' ? `'${text.slice(1, -1).replaceAll('\\"', '"')}'` : text;
  return plain.length > 60 ? `${plain.slice(0, 57)}…${plain.endsWith("'") ? "'" : ''}` : plain;
}

/** A JSON Pointer as a path; numbers where the value is a list. */
function pathOf(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at(root, path)) ? Number(name) : name);
  }
  return path;
}
