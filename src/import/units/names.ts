import type { UnitName } from '../../supervisors/systemd/unit-name.ts';
import { nameFor } from '../service-names.ts';

/** A name that a service of ours may have: `NetworkManager.service` is networkmanager, `getty@tty1.service` is getty-tty1. */
export function serviceNameOf(unit: string): string {
  return nameFor(unescaped(unit.replace(/\.service$/, ''), '-'));
}

/** Is the unit that we write for it called the same? */
export function keepsName({ unit, instance }: UnitName): boolean {
  return instance === undefined && `${serviceNameOf(unit)}.service` === unit;
}

/** What `\xHH` stands for in a name, and a dash. */
function unescaped(text: string, dash = '/'): string {
  const bytes = text.replace(/-/g, dash).replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The slice that systemd puts an instance into where nothing is said (unit_set_default_slice). */
export function sliceOf({ prefix }: UnitName, manager: 'system' | 'user'): string {
  const escaped = prefix.replace(/[-\\]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
  return `${manager === 'system' ? 'system' : 'app'}-${escaped}.slice`;
}

/** What each specifier of a unit's own name and file stands for: others are the same wherever they are written. */
function meaningsOf({ unit, prefix, instance = '' }: UnitName, path: string): Readonly<Record<string, string>> {
  const last = prefix.slice(prefix.lastIndexOf('-') + 1);
  const stem = unit.replace(/\.[a-z]+$/, '');
  return {
    n: unit,
    N: stem,
    p: prefix,
    P: unescaped(prefix),
    i: instance,
    I: unescaped(instance),
    j: last,
    J: unescaped(last),
    f: `/${unescaped(instance === '' ? prefix : instance).replace(/^\/+/, '')}`,
    y: path,
    Y: path.slice(0, path.lastIndexOf('/')),
  };
}

/** Their values are split into words and unquoted, with escapes for bytes. */
const UNQUOTED = /^(Exec(Condition|StartPre|Start|StartPost|Reload|Stop|StopPost)|Environment)$/;
/** Split into words, where a backslash keeps what comes after it as it is. */
const WORDS =
  /^(Documentation|PassEnvironment|UnsetEnvironment|SupplementaryGroups|LogExtraFields|(Load|Set)Credential(Encrypted)?|(Runtime|State|Cache|Logs|Configuration)Directory|(ReadWrite|ReadOnly|Inaccessible)(Paths|Directories)|(No)?ExecPaths|Bind(ReadOnly)?Paths|TemporaryFileSystem|RequiresMountsFor)$/;

/**
 * A value with the specifiers that would be another's in a unit of another name, or in another file, put in. `all` is
 * false where the unit keeps its name.
 */
export function withOwnSpecifiers(key: string, value: string, name: UnitName, path: string, all: boolean): string {
  const meanings = meaningsOf(name, path);
  return value.replace(/%(.)/gs, (whole, letter: string) => {
    const text = /[yY]/.test(letter) || all ? meanings[letter] : undefined;
    if (text === undefined || letter === '%') return whole;
    const percent = text.replaceAll('%', '%%');
    if (UNQUOTED.test(key)) {
      const escaped = percent.replace(/[^A-Za-z0-9:_./@%\u0080-\u{10ffff}-]/gu, (char) => {
        return char === '$' && key !== 'Environment' ? '$$' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
      });
      return escaped;
    }
    return WORDS.test(key) ? percent.replace(/[\\"' ]/g, '\\$&') : percent;
  });
}
