import { basename } from 'node:path';
import { unguarded } from '../guard.ts';
import { skipOptions, unwrap } from './wrappers.ts';

/** What a command line comes down to, whoever runs it and by what. */
export type Command = {
  /** What was taken off before it: `nice`, `sh -c`. */
  readonly via: readonly string[];
  /** Where it is run, as written, where something before it says so. */
  readonly cd?: string;
  readonly args: readonly string[];
} & (
  | { readonly kind: 'program'; readonly path: string }
  /** `options` are the interpreter's own. */
  | ({ readonly kind: 'script'; readonly path: string } & Interpreted)
  | ({ readonly kind: 'module'; readonly module: string } & Interpreted)
  /** Code on the command line. */
  | ({ readonly kind: 'code'; readonly code: string } & Interpreted)
);

interface Interpreted {
  readonly interpreter: string;
  readonly family: string;
  readonly options: readonly string[];
}

/** How an interpreter takes its arguments. */
interface Interpreter {
  readonly name: RegExp;
  /** Options with a value behind them. */
  readonly values: readonly string[];
  /** What is behind these is code, and the rest its arguments. */
  readonly code: readonly string[];
  /** What is behind these is the name of a module. */
  readonly module?: readonly string[];
}

const INTERPRETERS: Readonly<Record<string, Interpreter>> = {
  python: {
    name: /^(?:python|pypy)[\d.]*$/,
    values: ['-W', '-X', '-Q', '--check-hash-based-pycs'],
    code: ['-c'],
    module: ['-m'],
  },
  node: {
    name: /^(?:node|nodejs)[\d.]*$/,
    values: ['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--title'],
    code: ['-e', '--eval', '-p', '--print', '-pe'],
  },
  shell: { name: /^(?:ba|da|a|k|mk|z)?sh$/, values: ['-o', '-O', '--rcfile', '--init-file'], code: ['-c'] },
  perl: { name: /^perl[\d.]*$/, values: [], code: ['-e', '-E'] },
  ruby: { name: /^ruby[\d.]*$/, values: ['-r', '-I', '-C', '-E'], code: ['-e'] },
  php: { name: /^php[\d.]*$/, values: ['-c', '-d'], code: ['-r'] },
};

/** All of their names: of what is no interpreter, nearly everything, none has to be asked. */
const INTERPRETER = new RegExp(
  Object.values(INTERPRETERS)
    .map(({ name }) => name.source)
    .join('|'),
);

/** The family of an interpreter by its program; undefined for any other. */
export function familyOf(program: string): string | undefined {
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (!INTERPRETER.test(name)) return undefined;
  return Object.keys(INTERPRETERS).find((family) => INTERPRETERS[family]?.name.test(name));
}

/** Undefined for no arguments at all, as of kernel threads. `staying`: see `unwrap`. */
export function readCommand(line: readonly string[], staying = false): Command | undefined {
  const { argv, ...way } = unwrap(unguarded(line), staying);
  const [written, ...rest] = argv;
  if (written === undefined || written === '') return undefined;
  // As login shells are called.
  const program = written.startsWith('-') && written.length > 1 ? written.slice(1) : written;
  const family = familyOf(program);
  const interpreter = family === undefined ? undefined : INTERPRETERS[family];
  if (family === undefined || interpreter === undefined) return { ...way, kind: 'program', path: program, args: rest };
  return (
    interpreted(interpreter, [program, ...rest], family, way) ?? { ...way, kind: 'program', path: program, args: rest }
  );
}

/** Undefined where it runs nothing but itself: a shell that somebody types into. */
function interpreted(
  { values, code, module = [] }: Interpreter,
  argv: readonly string[],
  family: string,
  way: Pick<Command, 'via' | 'cd'>,
): Command | undefined {
  const last = [...code, ...module];
  const end = argv.findIndex((word, i) => i > 0 && isLast(word, last, values));
  // Of options alone: behind the script stands what is its own.
  const { at } = skipOptions(argv, values);
  const program = argv[0] ?? '';
  if (end !== -1 && end < at) {
    const word = argv[end] ?? '';
    const { letter, attached } = partsOf(word, last, values);
    const value = attached === '' ? (argv[end + 1] ?? '') : attached;
    const args = argv.slice(end + (attached === '' ? 2 : 1));
    const common = { ...way, args, interpreter: program, family, options: argv.slice(1, end) };
    return module.includes(letter)
      ? { ...common, kind: 'module', module: value }
      : { ...common, kind: 'code', code: value };
  }
  const path = argv[at];
  if (path === undefined || path === '-') return undefined;
  const options = argv.slice(1, at).filter((word) => word !== '--');
  return { ...way, kind: 'script', path, args: argv.slice(at + 1), interpreter: program, family, options };
}

function isLast(word: string, last: readonly string[], values: readonly string[]): boolean {
  return partsOf(word, last, values).letter !== '';
}

/** The option that ends an interpreter's own, and what of its value is in the same word: `-um`, `-cprint()`. */
function partsOf(word: string, last: readonly string[], values: readonly string[]) {
  const none = { letter: '', attached: '' };
  if (last.includes(word)) return { letter: word, attached: '' };
  if (!/^-[^-]/.test(word)) return none;
  for (let i = 1; i < word.length; i += 1) {
    const letter = `-${word.charAt(i)}`;
    if (last.includes(letter)) return { letter, attached: word.slice(i + 1) };
    if (values.includes(letter)) return none;
  }
  return none;
}

/** Commands with different keys never match: what a service is looked up by among thousands. */
export function keyOf(command: Command): string {
  switch (command.kind) {
    case 'program':
    case 'script':
      return `file ${basename(command.path)}`;
    case 'module':
      return `module ${command.module}`;
    case 'code':
      return `code ${command.code}`;
  }
}
