import fc from 'fast-check';

/** What a file may hold, and how somebody may have written it. */
export interface Written {
  readonly value: Tree;
  readonly text: string;
}
export type Tree = { [key: string]: Value };
export type Value = string | number | boolean | Value[] | Tree;

const KEYS = ['a', 'b', 'stop', 'limits', 'TZ', 'x-y', 'K_1'];
const WORDS = [
  'x',
  'sleep',
  '600',
  '--fast',
  '3GiB',
  'true',
  'no',
  '',
  ' ',
  'a b',
  'it: s',
  '# no',
  "it's",
  '"q"',
  '[1',
  'null',
  '/opt/x',
  '*a',
  '&b',
  'ä',
  '-',
  '1.50',
  '{x}',
  'http://h:1/p?q=1',
  '@x',
  'a,b',
  'a: ',
  '~',
  '0x1f',
  ':',
  '- x',
  '%p',
  '\u0085',
  'l1\nl2',
  '\u00a0',
  'é\u2028',
];

const scalar = fc.oneof(fc.constantFrom(...WORDS), fc.integer({ min: -5, max: 70000 }), fc.boolean());
const { tree, value } = fc.letrec<{ tree: Tree; value: Value }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { minKeys: 1, maxKeys: 4, depthIdentifier: 'd' }),
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'd', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3, depthIdentifier: 'd' }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 3, depthIdentifier: 'd' }),
  ),
}));

export { tree as trees, value as values };

/** A tree, and a text that says it: block and flow, comments, blank lines, quotes, as it comes. */
export const written: fc.Arbitrary<Written> = fc
  .record({ value: tree, style: fc.infiniteStream(fc.nat({ max: 999 })), end: fc.boolean(), crlf: fc.boolean() })
  .map(({ value: holds, style, end, crlf }) => {
    const pick = (of: number) => (style.next().value as number) % of;
    const lines = [...head(pick), ...blockTree(holds, 0, pick), ...tail(pick)];
    const text = lines.join('\n') + (end ? '\n' : '');
    return { value: holds, text: crlf ? text.replaceAll('\n', '\r\n') : text };
  });

type Pick = (of: number) => number;

function head(pick: Pick): string[] {
  return [[], ['# yaml-language-server: $schema=x', ''], ['---'], ['# top']][pick(4)] ?? [];
}

function tail(pick: Pick): string[] {
  return [[], [], ['', '# the end'], ['']][pick(4)] ?? [];
}

function noise(indent: number, pick: Pick): string[] {
  const pad = ' '.repeat(indent);
  return [[], [], [], [`${pad}# about: it`], [''], ['', `${pad}# [more, of] it`], ['# far left']][pick(7)] ?? [];
}

function behind(pick: Pick): string {
  return ['', '', '', ' # why', '   # a: b', '  '][pick(6)] ?? '';
}

function blockTree(tree: Tree, indent: number, pick: Pick): string[] {
  const pad = ' '.repeat(indent);
  return Object.entries(tree).flatMap(([key, value], i) => {
    const before = i === 0 ? [] : noise(indent, pick);
    const name = pick(6) === 0 ? `"${key}"` : key;
    const colon = `${name}:${pick(8) === 0 ? ' ' : ''}`;
    return [...before, ...block(`${pad}${colon}`, value, indent, pick)];
  });
}

function block(start: string, value: Value, indent: number, pick: Pick): string[] {
  const step = 1 + pick(4);
  if (Array.isArray(value) && value.length > 0 && pick(2) === 0) {
    const pad = ' '.repeat(indent + (start.endsWith(':') && pick(2) === 0 ? 0 : step));
    return [
      start + behind(pick),
      ...value.flatMap((item, i) => [...(i === 0 ? [] : noise(pad.length, pick)), ...blockItem(pad, item, pick)]),
    ];
  }
  if (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0 && pick(2) === 0)
    return [start + behind(pick), ...blockTree(value, indent + step, pick)];
  if (typeof value === 'string' && /^[a-z0-9].*\n.+$/s.test(value) && pick(3) > 0)
    return [
      `${start} |-${pick(2) === 0 ? ' # kept' : ''}`,
      ...value.split('\n').map((line) => ' '.repeat(indent + step) + line),
    ];
  return [`${start} ${flow(value, indent, pick)}${behind(pick)}`];
}

function blockItem(pad: string, item: Value, pick: Pick): string[] {
  const gap = ' '.repeat(1 + pick(2));
  const inner = pad.length + 1 + gap.length;
  if (typeof item === 'object' && pick(2) === 0) {
    const lines = Array.isArray(item)
      ? item.length === 0
        ? []
        : item.flatMap((one) => blockItem(' '.repeat(inner), one, pick))
      : blockTree(item, inner, pick);
    if (lines[0] !== undefined) return [`${pad}-${gap}${lines[0].trimStart()}`, ...lines.slice(1)];
  }
  return [`${pad}-${gap}${flow(item, inner, pick)}${behind(pick)}`];
}

function flow(value: Value, indent: number, pick: Pick): string {
  if (typeof value !== 'object') return leaf(value, pick);
  const items = Array.isArray(value)
    ? value.map((item) => flow(item, indent, pick))
    : Object.entries(value).map(([key, item]) => `${pick(4) === 0 ? `'${key}'` : key}: ${flow(item, indent, pick)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (items.length === 0) return `${open}${close}`;
  const pad = `\n${' '.repeat(indent + 4)}`;
  switch (pick(6)) {
    case 0:
      return `${open}${items.join(',')}${close}`.replace(/:(?=[^ ])/g, ':');
    case 1:
      return `${open} ${items.join('  ,  ')}, ${close}`;
    case 2:
      return `${open}${items.map((item) => `${pad}${item},${pick(2) === 0 ? ' # one' : ''}`).join('')}\n${' '.repeat(indent + 2)}${close}`;
    case 3:
      return `${open}${pad}${items.join(`,${pad}`)}${pick(2) === 0 ? ' # last' : ''}\n${' '.repeat(indent + 2)}${close}`;
    default:
      return `${open}${items.join(', ')}${close}`;
  }
}

/** A plain word where it is one beyond doubt. */
function leaf(value: string | number | boolean, pick: Pick): string {
  if (typeof value !== 'string') return String(value);
  const quotes = pick(3);
  if (quotes === 0 && /^[a-z/-][a-z/-]+( [a-z]+)*$/i.test(value) && !/^(true|null|no|-)$/.test(value)) return value;
  if (quotes === 1 && !/[\n\u0085\u2028]/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return JSON.stringify(value).replace(/[\u0085\u2028]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
