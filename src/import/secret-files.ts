import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SupervisorName } from '../model.ts';

/** Where variables that must not get into Git are kept: `NAME.env` in it. */
export function envFolder(): string {
  if (process.getuid?.() === 0) return '/etc/reconciled/env';
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'reconciled/env');
}

/** The text of an environment file, and the keys whose values no such file can hold for this supervisor. */
export function envText(
  name: string,
  secrets: Readonly<Record<string, string>>,
  supervisor: SupervisorName,
): { readonly text: string; readonly left: readonly string[] } {
  const lines: string[] = [];
  const left: string[] = [];
  for (const [key, value] of Object.entries(secrets)) {
    const written = supervisor === 'systemd' ? forSystemd(value) : asItStands(value);
    if (written === undefined) left.push(key);
    else lines.push(`${key}=${written}\n`);
  }
  return {
    text: `# Secrets of the service ${name}: its file in Git names this one. Keep it out of Git.\n${lines.join('')}`,
    left,
  };
}

const PLAIN = /^[\w@%+=:,./-]*$/;

/** systemd.exec(5), EnvironmentFile=: as a shell takes what is in double quotes. */
function forSystemd(value: string): string | undefined {
  if (value.includes('\0')) return undefined;
  return PLAIN.test(value) ? value : `"${value.replace(/["\\$`]/g, '\\$&')}"`;
}

/** Others take each line as it stands, but for blanks and a pair of quotes around it. */
function asItStands(value: string): string | undefined {
  if (/[\0\r\n\u2028\u2029]/.test(value)) return undefined;
  return value.trim() === value && !/^(["']).*\1$/s.test(value) ? value : `"${value}"`;
}
