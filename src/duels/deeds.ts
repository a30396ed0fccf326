import { commandsIn, withoutPrefix } from '../graph/words.ts';
import { unwrap } from '../graph/wrappers.ts';
import { baseOf, isInterpreter, isShell, textOf } from './programs.ts';

/** What a command line asks a manager to do to something; what only looks (`status`, `show`) is none. */
export type Verb = 'restart' | 'stop' | 'start' | 'kill' | 'reload';

export type Target =
  /** `user`: of a user's own manager. */
  | { readonly kind: 'units'; readonly names: readonly string[]; readonly user?: true }
  /** `config` and `server` where the command says which supervisord it means. */
  | { readonly kind: 'programs'; readonly names: readonly string[]; readonly config?: string; readonly server?: string }
  /** Negative: a process group. */
  | { readonly kind: 'pids'; readonly pids: readonly number[] }
  /** `whole`: it is looked for in all arguments. `exact`: it is the name and no pattern. */
  | { readonly kind: 'pattern'; readonly pattern: string; readonly whole: boolean; readonly exact: boolean };

export interface Deed {
  readonly verb: Verb;
  readonly target: Target;
  /**
   * It is a part of a longer text for a shell: whether the shell has come to it, or ever will, can't be known from its
   * arguments.
   */
  readonly inText: boolean;
}

/** What a command line does to services; empty for all that is of no interest. Pure. */
export function deedsOf(argv: readonly string[]): readonly Deed[] {
  return deeds(argv, 0);
}

/** A shell in a shell in a shell is taken apart, but not for ever. */
const DEEP = 4;
/** Characters of a text for a shell that are looked at. */
const LONG = 8192;

function deeds(argv: readonly string[], depth: number): readonly Deed[] {
  const [file, ...args] = behindInterpreter(unwrap(argv, true).argv);
  if (file === undefined || depth > DEEP) return [];
  const name = baseOf(file);
  if (isShell(name)) {
    const text = textOf(args);
    return text === undefined ? [] : deedsInText(text.slice(0, LONG), depth + 1);
  }
  return (TOOLS.get(name)?.(args) ?? []).map((deed) => ({ ...deed, inText: false }));
}

/** What was made of texts: a thousand shells may have one in common. */
const known = new Map<string, readonly Deed[]>();
const KNOWN = 100;

function deedsInText(text: string, depth: number): readonly Deed[] {
  const key = `${depth} ${text}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = commandsIn(text).flatMap(({ words }) =>
    deeds(withoutPrefix(words), depth).map((deed) => ({ ...deed, inText: true })),
  );
  if (known.size >= KNOWN) known.clear();
  known.set(key, found);
  return found;
}

type Found = Omit<Deed, 'inText'>;

const TOOLS: ReadonlyMap<string, (args: readonly string[]) => readonly Found[]> = new Map([
  ['systemctl', systemctl],
  ['supervisorctl', supervisorctl],
  ['service', service],
  ['invoke-rc.d', service],
  ['initctl', initctl],
  ['kill', kill],
  ['pkill', pkill],
  ['killall', killall],
  ['busctl', bus],
  ['dbus-send', bus],
  ['gdbus', bus],
]);

/** The script of an interpreter in its place, where that is one of the tools: `python3 /usr/bin/supervisorctl`. */
function behindInterpreter(argv: readonly string[]): readonly string[] {
  const [file = '', ...args] = argv;
  if (!isInterpreter(baseOf(file))) return argv;
  const script = args.findIndex((arg) => !arg.startsWith('-'));
  if (script === -1 || args.slice(0, script).includes('-c')) return argv;
  return TOOLS.has(baseOf(args[script] ?? '')) ? args.slice(script) : argv;
}

const UNIT_VERBS: ReadonlyMap<string, Verb> = new Map([
  ['restart', 'restart'],
  ['try-restart', 'restart'],
  ['condrestart', 'restart'],
  ['force-restart', 'restart'],
  ['reload-or-restart', 'restart'],
  ['try-reload-or-restart', 'restart'],
  ['force-reload', 'restart'],
  ['stop', 'stop'],
  ['start', 'start'],
  ['kill', 'kill'],
  ['reload', 'reload'],
]);

function systemctl(args: readonly string[]): readonly Found[] {
  const { words, options } = split(args, ['-t', '-s', '-p', '-P', '-H', '-M', '-n', '-o', '--signal', '--type']);
  // Of another machine, or another user's manager than the system's: no unit of ours.
  if (options.some((option) => /^(-H|-M|--host|--machine)/.test(option))) return [];
  const [word = '', ...names] = words;
  const user = options.includes('--user');
  const verb = UNIT_VERBS.get(word);
  if (verb !== undefined) return units(verb, names, user);
  if (!options.includes('--now')) return [];
  if (word === 'disable' || word === 'mask') return units('stop', names, user);
  return word === 'enable' ? units('start', names, user) : [];
}

function units(verb: Verb, names: readonly string[], user = false): readonly Found[] {
  return names.length === 0 ? [] : [{ verb, target: { kind: 'units', names, ...(user ? { user } : {}) } }];
}

/** `service NAME VERB` */
function service(args: readonly string[]): readonly Found[] {
  const [name, word = ''] = args.filter((arg) => !arg.startsWith('-'));
  const verb = UNIT_VERBS.get(word);
  return name === undefined || verb === undefined ? [] : units(verb, [name]);
}

/** `initctl VERB NAME` */
function initctl(args: readonly string[]): readonly Found[] {
  const [word = '', ...names] = args.filter((arg) => !arg.startsWith('-'));
  const verb = UNIT_VERBS.get(word);
  return verb === undefined ? [] : units(verb, names.slice(0, 1));
}

const PROGRAM_VERBS: ReadonlyMap<string, Verb> = new Map([
  ['restart', 'restart'],
  ['stop', 'stop'],
  ['start', 'start'],
  ['signal', 'kill'],
  ['remove', 'stop'],
]);

function supervisorctl(args: readonly string[]): readonly Found[] {
  const valued = ['-c', '-s', '-u', '-p', '-r', '--configuration', '--serverurl', '--username', '--password'];
  const { words, values } = split(args, valued);
  const config = values.get('-c') ?? values.get('--configuration');
  const server = values.get('-s') ?? values.get('--serverurl');
  const which = { ...(config === undefined ? {} : { config }), ...(server === undefined ? {} : { server }) };
  const [word = '', ...rest] = words;
  const found = (verb: Verb, names: readonly string[]): readonly Found[] =>
    names.length === 0 ? [] : [{ verb, target: { kind: 'programs', names, ...which } }];
  if (word === 'reload') return found('restart', ['all']);
  if (word === 'shutdown') return found('stop', ['all']);
  // Restarts what has changed in its files.
  if (word === 'update') return found('restart', rest.length === 0 ? ['all'] : rest.map((name) => `${name}:*`));
  const verb = PROGRAM_VERBS.get(word);
  return verb === undefined ? [] : found(verb, word === 'signal' ? rest.slice(1) : rest);
}

function kill(args: readonly string[]): readonly Found[] {
  const numbers: number[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    if (arg === '-s' || arg === '-n' || arg === '--signal') i += 1;
    // The first number with a minus is a signal, not a group, unless a signal or `--` came before it.
    else if (/^-\d+$/.test(arg) && i > 0) numbers.push(Number(arg));
    else if (/^\d+$/.test(arg)) numbers.push(Number(arg));
    else if (/^-(l|L)$|^--list/.test(arg)) return [];
  }
  return isProbe(args) || numbers.length === 0 ? [] : [{ verb: 'kill', target: { kind: 'pids', pids: numbers } }];
}

/** Signal 0 only asks whether it is there. */
function isProbe(args: readonly string[]): boolean {
  return args[0] === '-0' || ((args[0] === '-s' || args[0] === '-n') && args[1] === '0');
}

function pkill(args: readonly string[]): readonly Found[] {
  if (isProbe(args)) return [];
  const { words, options } = split(args, ['-g', '-G', '-P', '-s', '-t', '-u', '-U', '-F', '--signal']);
  const flags = options.filter((option) => /^-[a-z]+$/.test(option)).join('');
  const [pattern] = words;
  if (pattern === undefined) return [];
  const whole = flags.includes('f') || options.includes('--full');
  return [{ verb: 'kill', target: { kind: 'pattern', pattern, whole, exact: flags.includes('x') } }];
}

function killall(args: readonly string[]): readonly Found[] {
  if (isProbe(args)) return [];
  const { words } = split(args, ['-s', '-u', '-o', '-y', '--signal', '--user']);
  const regexp = args.includes('-r') || args.includes('--regexp');
  return words.map((pattern) => ({ verb: 'kill', target: { kind: 'pattern', pattern, whole: false, exact: !regexp } }));
}

const METHODS: readonly (readonly [RegExp, Verb])[] = [
  [/RestartUnit$/, 'restart'],
  [/StopUnit$/, 'stop'],
  [/StartUnit$/, 'start'],
  [/KillUnit$/, 'kill'],
  [/ReloadUnit$/, 'reload'],
];

/** `busctl call … RestartUnit ss web.service replace`, `dbus-send … .RestartUnit string:web.service …` */
function bus(args: readonly string[]): readonly Found[] {
  if (!args.some((arg) => arg.includes('org.freedesktop.systemd1'))) return [];
  for (const [i, arg] of args.entries()) {
    const verb = METHODS.find(([method]) => method.test(arg))?.[1];
    if (verb === undefined) continue;
    const names = args.slice(i + 1).flatMap((word) => {
      const name = word.replace(/^string:/, '').replace(/^["']|["']$/g, '');
      return /^[\w@:.\\-]+\.\w+$/.test(name) && !name.startsWith('org.') ? [name] : [];
    });
    return units(
      verb,
      names.slice(0, 1),
      args.some((arg) => arg === '--user' || arg === '--session'),
    );
  }
  return [];
}

interface Split {
  readonly words: readonly string[];
  readonly options: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

/** Options and words in any order, as getopt takes them. `valued` are those with a value of their own. */
function split(args: readonly string[], valued: readonly string[]): Split {
  const words: string[] = [];
  const options: string[] = [];
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      words.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    options.push(arg);
    const name = valued.find((option) => arg === option || arg.startsWith(`${option}=`));
    const glued = valued.find((option) => option.length === 2 && arg.startsWith(option));
    if (name !== undefined && arg === name) {
      values.set(name, args[i + 1] ?? '');
      i += 1;
    } else if (name !== undefined) values.set(name, arg.slice(name.length + 1));
    else if (glued !== undefined) values.set(glued, arg.slice(2));
  }
  return { words, options, values };
}
