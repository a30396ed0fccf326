import { maskField } from '../../secrets.ts';
import { quoteArgument } from '../../supervisors/systemd/escape.ts';
import { withoutSpecifiers } from './environment.ts';
import type { UnitLine } from './text.ts';
import { firstWord } from './words.ts';

export interface Hidden {
  readonly lines: readonly UnitLine[];
  /** Variables that arguments come from now. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Arguments of commands that look secret come from variables, which systemd puts in their places. Their names are such
 * that no program reads them, and no file of variables has them.
 */
export function hideSecrets(lines: readonly UnitLine[]): Hidden {
  const secrets: Record<string, string> = {};
  const hide = (value: string, option: string): string => {
    const there = Object.keys(secrets).find((name) => secrets[name] === value);
    if (there !== undefined) return there;
    const base = `IMPORTED_${option.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`;
    let name = base;
    for (let i = 2; name in secrets; i += 1) name = `${base}_${i}`;
    secrets[name] = value;
    return name;
  };
  const hidden = lines.map((line) => {
    if (line.section !== 'Service' || !/^Exec(Condition|Start|Stop|Reload)/.test(line.key)) return line;
    const value = commandWithout(line.value, hide);
    return value === undefined ? line : { ...line, value };
  });
  return { lines: hidden, secrets };
}

/** The value with variables in place of secrets; undefined where it has none, or systemd puts no variables into it. */
function commandWithout(value: string, hide: (value: string, option: string) => string): string | undefined {
  const words = rawWords(value);
  if (words === undefined) return undefined;
  const shown = maskField(
    'command',
    words.map(({ text }) => text),
  ) as readonly string[];
  let [changed, begins, expands] = [false, true, true];
  const written = words.map(({ text, raw, separates }, i) => {
    const isProgram = begins;
    begins = separates;
    if (isProgram) expands = !/^[-@+!]*:/.test(text);
    const plain = withoutVariables(withoutSpecifiers(text));
    if (isProgram || separates || !expands || shown[i] === text || plain === undefined) return raw;
    const [, head = '', own = '', secret = plain] = /^(-{0,2}([A-Za-z][\w-]*)=)(.*)$/s.exec(plain) ?? [];
    if (NONE.test(secret)) return raw;
    const before = /^--?([A-Za-z][\w-]*)$/.exec(words[i - 1]?.text ?? '')?.[1] ?? '';
    changed = true;
    return `${quoteArgument(head).slice(0, -1)}\${${hide(secret, own || before || 'argument')}}"`;
  });
  return changed ? written.join(' ') : undefined;
}

/** A file that holds one, a switch, a time: `--auth-file /etc/x`, `--auth=on`, `--token-ttl 5m`. */
export const NONE = /^(\.{0,2}\/.*|[0-9]+(ms|[smhd])|true|false|yes|no|on|off)$/is;

function withoutVariables(text: string | undefined): string | undefined {
  return text === undefined || text.replaceAll('$$', '').includes('$') ? undefined : text.replaceAll('$$', '$');
}

interface RawWord {
  readonly text: string;
  readonly raw: string;
  readonly separates: boolean;
}

function rawWords(value: string): readonly RawWord[] | undefined {
  const words: RawWord[] = [];
  for (let left = value.trim(); left !== ''; ) {
    const alone = /^\\?;(?=$|[ \t])/.exec(left)?.[0];
    if (alone !== undefined) {
      words.push({ text: ';', raw: alone, separates: alone === ';' });
      left = left.slice(alone.length).trimStart();
      continue;
    }
    const next = firstWord(left, 'refuse');
    if (next?.word === undefined) return undefined;
    words.push({ ...next.word, separates: false });
    left = next.rest;
  }
  return words;
}
