import { onlyCommand } from '../graph/words.ts';

/** What a line for a shell comes down to: a command that needs no shell where that can be told, else the shell with it. */
export interface ShellLine {
  readonly command: readonly string[];
  /** Where it is run, where the line says so (`cd X &&`), as it is written. */
  readonly directory?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdout?: string;
  readonly stderr?: string;
  /** The shell stays between the supervisor and what it runs. */
  readonly shell: boolean;
  /** What was taken off, and why nothing is lost by it, or what is. */
  readonly dropped: readonly Dropped[];
}

export interface Dropped {
  readonly text: string;
  readonly why: string;
  /** It is as it was all the same. */
  readonly same: boolean;
}

/** At the end of a line: where output goes, with a file whose name is plain. */
const REDIRECTION = /(?:^|\s)(&>>|&>|1?>>|1?>|2>>|2>|<)\s*([\w./%+@:,=-]+)\s*$/;

export function readShellLine(text: string, shell: string): ShellLine {
  const peeled = peel(text.trim());
  const plain = peeled === undefined ? undefined : plainCommand(peeled);
  if (plain !== undefined) return plain;
  const inBackground = /(^|[^&\\])&$/.test(text.trim());
  const dropped = inBackground
    ? [{ text: '&', why: 'the shell waits for what it has started: the supervisor watches the shell', same: true }]
    : [];
  const script = inBackground ? `${text.trim()} wait` : text.trim();
  return { command: [shell, '-c', script], environment: {}, shell: true, dropped };
}

interface Peeled {
  readonly rest: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly dropped: readonly Dropped[];
}

/** Takes the ends off a line that say where it runs and where its output goes; undefined where that is unusual. */
function peel(text: string): Peeled | undefined {
  let rest = text;
  let [stdout, stderr]: [string | undefined, string | undefined] = [undefined, undefined];
  const dropped: Dropped[] = [];
  if (/(^|[^&\\])&$/.test(rest)) {
    rest = rest.slice(0, -1).trimEnd();
    dropped.push({ text: '&', why: 'the supervisor keeps it in the foreground', same: true });
  }
  let joined = false;
  for (;;) {
    if (/\s2>&1$/.test(rest)) {
      if (stdout !== undefined || stderr !== undefined) return undefined;
      joined = true;
      rest = rest.replace(/\s+2>&1$/, '');
      continue;
    }
    const [, operator = '', file = ''] = REDIRECTION.exec(rest) ?? [];
    if (operator === '') break;
    rest = rest.replace(REDIRECTION, '');
    if (operator === '<') {
      if (file !== '/dev/null') return undefined;
      continue;
    }
    // A file without a path is below the folder that the program runs in, as in our logs.
    if (operator.startsWith('&')) {
      if (stdout !== undefined || stderr !== undefined || joined) return undefined;
      [stdout, stderr] = [file, file];
    } else if (operator.startsWith('2')) {
      if (stderr !== undefined || joined) return undefined;
      stderr = file;
    } else {
      if (stdout !== undefined) return undefined;
      stdout = file;
    }
    if (!operator.endsWith('>>') && !file.startsWith('/dev/'))
      dropped.push({
        text: `${operator} ${file}`,
        why: 'the file was emptied at each start; now it is written on, and rotated',
        same: false,
      });
  }
  if (joined) {
    if (stdout === undefined) return undefined;
    stderr = stdout;
  }
  return {
    rest,
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
    dropped,
  };
}

/** Undefined where a shell has something to do. */
function plainCommand({ rest, stdout, stderr, dropped }: Peeled): ShellLine | undefined {
  // What is left of operators would be passed over without a word.
  const bare = rest.replace(/\\.|'[^']*'|"(?:\\.|[^"\\])*"/gs, 'x').replace(/^cd\s+\S+\s*(?:&&|;)/, '');
  if (/[<>|&;()`$\n]/.test(bare)) return undefined;
  const only = onlyCommand(rest);
  if (only === undefined || !only.plain) return undefined;
  const environment: Record<string, string> = {};
  let words = only.words;
  for (;;) {
    const [first = ''] = words;
    const [, key, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(first) ?? [];
    if (key !== undefined && value !== undefined) environment[key] = value;
    else if (first === 'nohup' || first === 'setsid') {
      const more = words.slice(1).findIndex((word) => !word.startsWith('-'));
      words = words.slice(more === -1 ? words.length : more);
    } else if (first !== 'exec' || words[1]?.startsWith('-')) break;
    words = words.slice(1);
  }
  // A word of the shell's own is no program.
  if (words.length === 0 || BUILTINS.has(words[0] ?? '')) return undefined;
  return {
    command: words,
    ...(only.cd === undefined ? {} : { directory: only.cd }),
    environment,
    ...(stdout === undefined ? {} : { stdout }),
    ...(stderr === undefined ? {} : { stderr }),
    shell: false,
    dropped,
  };
}

const BUILTINS = new Set(['.', 'source', 'exec', 'eval', 'command', 'ulimit', 'umask', 'export', 'set', 'trap', ':']);
