import { execFile } from 'node:child_process';
import { maskText } from '../../secrets.ts';
import type { Scope } from '../shared/bus-address.ts';
import type { Settings } from '../shared/settings.ts';
import { tail } from '../shared/tail.ts';

const LINES = 5;
/** ms. A journal that is slow to read must not hold up what it only illustrates. */
const LIMIT = 5000;

/** The command by which people read all that a unit wrote. */
export function journalCommand(scope: Scope, unit: string): string {
  return `journalctl${scope === 'user' ? ' --user' : ''} -u ${unit}`;
}

/**
 * The last lines that a unit wrote since a time (ms since the epoch), as they may be shown: from its log file, else the
 * journal. What systemd says of it there is told only where it wrote nothing itself.
 */
export async function lastLines(
  scope: Scope,
  unit: string,
  { logs }: Settings,
  since: number,
): Promise<string | undefined> {
  if (logs.written) {
    const text = [logs.stderr, logs.stdout].map((path) => tail(path, 0, LINES)).find((found) => found !== undefined);
    if (text !== undefined) return text;
  }
  const own = scope === 'system' ? [`_SYSTEMD_UNIT=${unit}`] : ['--user', `_SYSTEMD_USER_UNIT=${unit}`];
  const all = scope === 'system' ? ['-u', unit] : ['--user', '-u', unit];
  return (await read(own, since)) ?? read(all, since);
}

function read(which: readonly string[], since: number): Promise<string | undefined> {
  const args = ['--no-pager', '-q', '-o', 'cat', '-n', String(LINES), '--since', `@${Math.floor(since / 1000)}`];
  return new Promise((resolve) => {
    execFile('journalctl', [...args, ...which], { timeout: LIMIT, maxBuffer: 1 << 20 }, (error, stdout) => {
      const text = error === null ? stdout.trimEnd() : '';
      resolve(text === '' ? undefined : maskText(text));
    });
  });
}
