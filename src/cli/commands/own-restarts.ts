import { execFile } from 'node:child_process';
import type { Subject } from '../../duels/samples.ts';

/** How often systemd has restarted each of these units by itself; those that it does not say it of are missing. */
export async function ownRestartsOf(subjects: readonly Subject[]): Promise<ReadonlyMap<string, number>> {
  const found = await Promise.all(
    subjects.map(async ({ name, handle }) => {
      if (handle.kind !== 'unit') return [];
      const count = Number((await showUnit(handle.unit, handle.user, 'NRestarts')) || Number.NaN);
      return Number.isInteger(count) ? [[name, count] as const] : [];
    }),
  );
  return new Map(found.flat());
}

/** One property of a unit as systemctl shows it; empty where it can't be asked. */
export function showUnit(unit: string, user: boolean, property: string): Promise<string> {
  const args = [...(user ? ['--user'] : []), 'show', '--value', `--property=${property}`, '--', unit];
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: 5000 }, (error, stdout) => resolve(error === null ? stdout.trim() : ''));
  });
}

/** All services that systemd knows now. */
export function unitNames(user: boolean): Promise<readonly string[]> {
  const args = [...(user ? ['--user'] : []), 'list-units', '--all', '--plain', '--no-legend', '--type=service'];
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: 5000 }, (error, stdout) =>
      resolve(error === null ? stdout.split('\n').flatMap((line) => line.split(' ', 1)[0] || []) : []),
    );
  });
}
