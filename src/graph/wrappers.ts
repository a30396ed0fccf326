import { basename } from 'node:path';
import { onlyCommand, withoutPrefix } from './words.ts';

/** What a command line runs in the end, and what it goes through on the way there. */
export interface Unwrapped {
  readonly argv: readonly string[];
  /** Names of what was taken off, outermost first: `nice`, `sh -c`. */
  readonly via: readonly string[];
  /** Where it is run, as written, where one of them says so. */
  readonly cd?: string;
}

/** How a program that runs another one takes its arguments. */
interface Wrapper {
  /** Options with a value behind them. */
  readonly values?: readonly string[];
  /** How many words stand between its options and the command. */
  readonly words?: number;
}

const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  nice: { values: ['-n', '--adjustment'] },
  nohup: {},
  setsid: {},
  ionice: { values: ['-c', '--class', '-n', '--classdata'] },
  chrt: { values: ['-T', '-P', '-D'], words: 1 },
  timeout: { values: ['-k', '--kill-after', '-s', '--signal'], words: 1 },
  stdbuf: { values: ['-i', '--input', '-o', '--output', '-e', '--error'] },
  unbuffer: {},
  prlimit: {},
  setpriv: {
    values: [
      ...['--reuid', '--regid', '--ruid', '--euid', '--rgid', '--egid', '--groups', '--inh-caps', '--ambient-caps'],
      ...['--bounding-set', '--securebits', '--pdeathsig', '--selinux-label', '--apparmor-profile'],
    ],
  },
  env: { values: ['-u', '--unset', '-C', '--chdir', '-S', '--split-string', '-a', '--argv0'] },
};

/** What crontabs and unit files put before a command besides; as processes they stay, and what they run is another one. */
const STAYING: Readonly<Record<string, Wrapper>> = {
  sudo: { values: ['-u', '--user', '-g', '--group', '-h', '-p', '-C', '-D', '-r', '-t', '-T', '-U'] },
  runuser: { values: ['-u', '--user', '-g', '--group', '-G'] },
  doas: { values: ['-u', '-C'] },
  flock: { values: ['-w', '--timeout', '-E', '--conflict-exit-code'], words: 1 },
  chronic: {},
};

const SHELLS = /^(?:ba|da|a|k|mk|z)?sh$/;

/** `staying`: also those that do not become what they run, as a text is read that says what is to be run. */
export function unwrap(argv: readonly string[], staying = false): Unwrapped {
  let [line, cd]: [readonly string[], string | undefined] = [argv, undefined];
  const via: string[] = [];
  // Nobody wraps deeper than this.
  for (let depth = 0; depth < 12; depth += 1) {
    const next = unwrapOnce(line, staying);
    if (next === undefined || next.argv.length === 0) break;
    via.push(...next.via);
    if (next.cd !== undefined) cd = cd === undefined || next.cd.startsWith('/') ? next.cd : `${cd}/${next.cd}`;
    line = next.argv;
  }
  return { argv: line, via, ...(cd === undefined ? {} : { cd }) };
}

function unwrapOnce(argv: readonly string[], staying: boolean): Unwrapped | undefined {
  const name = basename(argv[0] ?? '');
  if (SHELLS.test(name)) return unwrapShell(argv, name);
  const wrapper = WRAPPERS[name] ?? (staying ? STAYING[name] : undefined);
  if (wrapper === undefined) return undefined;
  const { at, values } = skipOptions(argv, wrapper.values ?? []);
  // `taskset -c`, `prlimit --pid`: of processes that are there.
  if (name === 'prlimit' && argv.slice(1, at).some((word) => /^(-p|--pid)/.test(word))) return undefined;
  if (name !== 'env') return { argv: argv.slice(at + (wrapper.words ?? 0)), via: [name] };
  let rest = [...split(values.get('-S') ?? values.get('--split-string')), ...argv.slice(at)];
  while (/^[^=\s]+=/.test(rest[0] ?? '')) rest = rest.slice(1);
  const cd = values.get('-C') ?? values.get('--chdir');
  return { argv: rest, via: [name], ...(cd === undefined ? {} : { cd }) };
}

function split(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(/\s+/).filter((word) => word !== '');
}

/** `sh -c 'exec x'`: a shell that becomes what it runs, or does nothing besides. */
function unwrapShell(argv: readonly string[], name: string): Unwrapped | undefined {
  const at = argv.findIndex((word, i) => i > 0 && !/^-[eux]+$/.test(word));
  const option = argv[at] ?? '';
  if (!/^-[eux]*c$/.test(option)) return undefined;
  const text = argv[at + 1] ?? '';
  const via = [`${name} -c`];
  const command = onlyCommand(text);
  if (command === undefined) return undefined;
  const words = withoutPrefix(command.words);
  const cd = command.cd === undefined ? {} : { cd: command.cd };
  if (words.length === 1 && words[0] === '$@') return { argv: argv.slice(at + 3), via, ...cd };
  return command.plain ? { argv: words, via, ...cd } : undefined;
}

/** Where the words begin that are no options, and the values of options. */
export function skipOptions(
  argv: readonly string[],
  takeValues: readonly string[],
): { readonly at: number; readonly values: ReadonlyMap<string, string> } {
  const values = new Map<string, string>();
  let at = 1;
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--') return { at: at + 1, values };
    if (!word.startsWith('-') || word === '-') break;
    const equals = word.indexOf('=');
    if (word.startsWith('--') && equals !== -1) {
      values.set(word.slice(0, equals), word.slice(equals + 1));
      continue;
    }
    const [option, attached] = word.startsWith('--') ? [word, ''] : shortOption(word, takeValues);
    if (!takeValues.includes(option)) continue;
    values.set(option, attached === '' ? (argv[at + 1] ?? '') : attached);
    if (attached === '') at += 1;
  }
  return { at, values };
}

/** The first letter of a cluster that takes a value, and what of it is behind that in the same word. */
function shortOption(word: string, takeValues: readonly string[]): readonly [option: string, attached: string] {
  for (let i = 1; i < word.length; i += 1) {
    const option = `-${word.charAt(i)}`;
    if (takeValues.includes(option)) return [option, word.slice(i + 1)];
  }
  return [word, ''];
}
