const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'zsh', 'busybox']);
/** Programs that run their arguments, and those of their options that take a word of their own. */
const WRAPPERS: ReadonlyMap<string, string> = new Map([
  ['sudo', 'ugChpDTRrtU'],
  ['doas', 'uC'],
  ['env', 'uCS'],
  ['nohup', ''],
  ['setsid', ''],
  ['nice', 'n'],
  ['ionice', 'cnp'],
  ['chrt', ''],
  ['timeout', 'ks'],
  ['stdbuf', 'ioe'],
  ['flock', 'wE'],
  ['time', 'fo'],
  ['exec', 'a'],
  ['command', ''],
]);

/** Wrappers that are given a word of their own before the command: `timeout 10 systemctl …`. */
const WORD_FIRST = new Set(['timeout', 'flock']);

/** The command itself: behind `sudo -u x`, `env A=1`, `timeout 10`, and behind the interpreter of a script that is a tool. Pure. */
export function unwrapped(argv: readonly string[], isTool: (name: string) => boolean): readonly string[] {
  let rest = argv;
  for (let i = 0; i < 8; i += 1) {
    const [file, ...args] = rest;
    if (file === undefined) return rest;
    const name = baseOf(file);
    const valued = WRAPPERS.get(name);
    if (valued !== undefined) {
      rest = behindOptions(args, valued, WORD_FIRST.has(name));
    } else if (isInterpreter(name)) {
      const script = args.findIndex((arg) => !arg.startsWith('-'));
      if (script === -1 || args.slice(0, script).includes('-c') || !isTool(baseOf(args[script] ?? ''))) return rest;
      rest = args.slice(script);
    } else return rest;
  }
  return rest;
}

function behindOptions(args: readonly string[], valued: string, wordFirst: boolean): readonly string[] {
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      at += 1;
      break;
    }
    if (arg.startsWith('-') && arg.length > 1) {
      if (arg.length === 2 && valued.includes(arg[1] ?? ' ')) at += 1;
    } else if (!/^[A-Za-z_]\w*=/.test(arg)) break;
  }
  return args.slice(wordFirst ? at + 1 : at);
}

function isInterpreter(name: string): boolean {
  return /^(python|pypy|perl|ruby)[0-9.]*$/.test(name) || SHELLS.has(name);
}

/** The text that a shell is given with -c (`-lc`, `-ec` …). */
export function textOf(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
  if (at === -1 || args.slice(0, at).some((arg) => !arg.startsWith('-'))) return undefined;
  return args.slice(at + 1).find((arg) => !/^[-+]/.test(arg));
}

export function baseOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

export function isShell(name: string): boolean {
  return SHELLS.has(name);
}
