import { execFile } from 'node:child_process';
import type { Subject } from './samples.ts';

/** How often systemd has restarted each of these units by itself; those that it does not say it of are missing. */
export async function ownRestartsOf(subjects: readonly Subject[]): Promise<ReadonlyMap<string, number>> {
  const found = await Promise.all([false, true].map((user) => countsOf(subjects, user)));
  return new Map(found.flat());
}

async function countsOf(subjects: readonly Subject[], user: boolean): Promise<(readonly [string, number])[]> {
  const units = subjects.flatMap(({ name, handle }) =>
    handle.kind === 'unit' && handle.user === user ? [{ name, unit: handle.unit }] : [],
  );
  if (units.length === 0) return [];
  const all = units.map(({ unit }) => unit);
  const text = await ask(user, 'show', '--property=NRestarts', '--', ...all);
  // One block a unit, in the order in which they were asked for.
  const counts = [...text.matchAll(/^NRestarts=(\d+)$/gm)].map(([, count]) => Number(count));
  if (counts.length !== units.length) return [];
  return units.flatMap(({ name }, i) => {
    const count = counts[i];
    return count === undefined ? [] : [[name, count] as const];
  });
}

/** One property of a unit as systemctl shows it; empty where it can't be asked. */
export async function showUnit(unit: string, user: boolean, property: string): Promise<string> {
  return (await ask(user, 'show', '--value', `--property=${property}`, '--', unit)).trim();
}

/** All services that systemd knows now. */
export async function unitNames(user: boolean): Promise<readonly string[]> {
  const text = await ask(user, 'list-units', '--all', '--plain', '--no-legend', '--type=service');
  return text.split('\n').flatMap((line) => line.split(' ', 1)[0] || []);
}

function ask(user: boolean, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('systemctl', [...(user ? ['--user'] : []), ...args], { timeout: 5000 }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
}
