import { isUtf8 } from 'node:buffer';
import type { Document, YAMLError } from 'yaml';
import type { Problem } from '../problem.ts';
import { isTree, type Tree } from './layer.ts';
import { positionAt } from './position.ts';
import { parseQuickly } from './quick.ts';
import type { Source } from './source.ts';
import { OPTIONS, yaml } from './yaml.ts';

export type Parsed =
  | { readonly kind: 'parsed'; readonly value: Tree }
  | { readonly kind: 'invalid'; readonly problems: Problem[] };

/** The map that a YAML or JSON file holds, or everything that is wrong with it as YAML. The parser must be loaded. */
export function parse(source: Source): Parsed {
  const unreadable = encodingProblem(source);
  if (unreadable) return invalid(unreadable);
  const text = source.bytes.toString('utf8');
  const quick = parseQuickly(text);
  return quick === undefined ? parseSlowly(source, text) : { kind: 'parsed', value: quick };
}

/** By the parser that knows where everything is. */
function parseSlowly(source: Source, text: string): Parsed {
  const document = yaml().parseDocument(text, OPTIONS);
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return invalid(...explain(source, text, errors));
  const version = document.directives?.yaml;
  if (version?.explicit && version.version !== '1.2') {
    const summary = `YAML ${version.version} is not read, only 1.2`;
    return invalid({ code: 'yaml', summary, at: positionAt(source, 0, 5), hint: 'remove the %YAML line' });
  }
  if (document.contents === null || isNothing(document.contents)) {
    return invalid({
      code: 'empty-file',
      summary: 'the file is empty',
      file: source.file,
      hint: 'fill it or delete it',
    });
  }
  const alias = text.includes('*') ? badAlias(document) : undefined;
  if (alias) return invalid({ code: 'yaml', at: positionAt(source, ...alias.range), ...alias.problem });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    const hint = 'write the values out';
    return invalid({ code: 'yaml', summary: 'aliases expand to far too much', file: source.file, hint });
  }
  if (isTree(value)) return { kind: 'parsed', value };
  const [start, end] = document.contents.range;
  const what = Array.isArray(value) ? 'a list' : 'a single value';
  const hint = 'write keys: `command: [...]`';
  return invalid({
    code: 'not-a-map',
    summary: `the file holds ${what}, not keys`,
    at: positionAt(source, start, end),
    hint,
  });
}

function invalid(...problems: Problem[]): Parsed {
  return { kind: 'invalid', problems };
}

function isNothing(node: unknown): boolean {
  return yaml().isScalar(node) && node.value === null && (node.source ?? '') === '';
}

function encodingProblem({ file, bytes }: Source): Problem | undefined {
  const save = 'save it as UTF-8 without a byte order mark';
  const [a, b, c] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (bytes.includes(0) && bytes.length > 1)) {
    return { code: 'encoding', summary: 'the file is not UTF-8 text: it is UTF-16 or binary', file, hint: save };
  }
  if (a === 0xef && b === 0xbb && c === 0xbf) {
    return { code: 'encoding', summary: 'the file starts with a byte order mark', file, hint: save };
  }
  if (isUtf8(bytes)) return undefined;
  let line = 1;
  for (let from = 0; from < bytes.length; line += 1) {
    const newline = bytes.indexOf(10, from);
    const to = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(from, to))) break;
    from = to + 1;
  }
  return { code: 'encoding', summary: `the file is not UTF-8: line ${line} holds other bytes`, file, hint: save };
}

/** An alias without an anchor before it, or one that holds itself. */
function badAlias(document: Document.Parsed) {
  let found: { readonly range: [number, number]; readonly problem: Pick<Problem, 'summary' | 'hint'> } | undefined;
  yaml().visit(document, {
    Alias(_, alias, parents) {
      const target = alias.resolve(document);
      const [start = 0, end = 1] = alias.range ?? [];
      if (target !== undefined && !parents.includes(target)) return undefined;
      const hint = target === undefined ? `no value before it is marked &${alias.source}` : 'write the values out';
      const summary = target === undefined ? `unknown alias *${alias.source}` : `*${alias.source} holds itself`;
      found = { range: [start, end], problem: { summary, hint } };
      return yaml().visit.BREAK;
    },
  });
  return found;
}

/** Each key that is there twice, and the first of all other errors: what follows one is often only its echo. */
function explain(source: Source, text: string, errors: readonly YAMLError[]): Problem[] {
  const doubled = errors.filter(({ code }) => code === 'DUPLICATE_KEY');
  const first = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  return [...doubled, ...(first ? [first] : [])].slice(0, 50).map((error) => {
    const { end: behind, ...told } = words(error, text.slice(error.pos[0]));
    const start = Math.min(
      error.pos[0] + (/^ +/.exec(text.slice(error.pos[0]))?.[0].length ?? 0),
      text.trimEnd().length,
    );
    return {
      code: 'yaml',
      at: positionAt(source, start, behind === undefined ? error.pos[1] : start + behind),
      ...told,
    };
  });
}

/** `end`: how much is to be underlined, where the parser names only where it begins. */
type Words = Pick<Problem, 'summary' | 'hint'> & { readonly end?: number };

function words({ code, message }: YAMLError, text: string): Words {
  switch (code) {
    case 'DUPLICATE_KEY': {
      const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:]*)/.exec(text)?.[0] ?? '';
      return {
        summary: `key '${key.replaceAll(/^["']|["']$/g, '')}' is there twice`,
        hint: 'keep one of them',
        end: key.length,
      };
    }
    case 'TAB_AS_INDENT':
      return { summary: "a tab can't indent in YAML", hint: 'use spaces' };
    case 'MULTIPLE_DOCS':
      return { summary: 'a second document starts here', hint: 'move what follows `---` to a file of its own' };
    case 'TAG_RESOLVE_FAILED':
      return { summary: `tags are not read: ${/^\S{1,60}/.exec(text)?.[0] ?? '!'}`, hint: 'write the plain value' };
    case 'NON_STRING_KEY':
      return { summary: 'a key must be text', hint: 'quote it' };
    case 'RESOURCE_EXHAUSTION':
      return { summary: 'nested far too deeply', hint: 'no service needs more than a few levels' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { summary: "a value can't hold `: ` unquoted", hint: 'quote the whole value' };
    case 'BAD_SCALAR_START':
      return { summary: `a value can't start with ${text[0]} unquoted`, hint: 'quote the value' };
    case 'BAD_INDENT': {
      const bracket = /end with a ([\]}])/.exec(message)?.[1];
      return bracket === undefined
        ? {
            summary: 'the line is indented unlike the ones before it',
            hint: 'keys of one level start in the same column',
          }
        : unclosed(bracket);
    }
    case 'MISSING_CHAR': {
      const bracket = /end with a ([\]}])/.exec(message)?.[1];
      if (bracket !== undefined) return unclosed(bracket);
      if (message.includes('quote'))
        return { summary: 'a quote is open until here', hint: 'close it where its text ends' };
      return message.startsWith('Implicit')
        ? { summary: 'this is no key: a `:` is missing', hint: 'write `key: value`' }
        : plain(message);
    }
    default:
      return plain(message);
  }
}

function unclosed(bracket: string): Words {
  return {
    summary: `a ${bracket === ']' ? '[' : '{'} is still open here`,
    hint: `close it with ${bracket} where it ends`,
  };
}

function plain(message: string): Words {
  const [sentence = ''] = message.split('\n');
  return { summary: `not YAML: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1, 200)}` };
}
