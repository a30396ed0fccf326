import { createInterface } from 'node:readline';
import { RECONCILE } from '../../rig/host.ts';
import { isPlan, isProgress } from './printed.ts';
import type { World } from './world.ts';

/** An apply that was ended in its midst, or was over before it came to that. */
export interface Interrupted {
  /** Ended right after it had said this; undefined where it went on to its end. */
  readonly at: string | undefined;
  readonly output: string;
}

/**
 * Applies until it has told its n-th part (the 0th is its plan), and then does `end`, as soon as that is read: the part has
 * just begun. By default it is killed by SIGKILL.
 */
export function interrupted(world: World, n: number, end?: () => Promise<void>): Promise<Interrupted> {
  const child = world.host.spawn([RECONCILE], { env: { RECONCILE_DESIRED_STATE: '/root/desired-state' } });
  return new Promise((resolve, reject) => {
    let [told, output] = [-1, ''];
    let at: string | undefined;
    let ending: Promise<void> | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      if (isPlan(line)) told = 0;
      else if (told < 0 || !isProgress(line)) return;
      else told += 1;
      if (told < n || at !== undefined) return;
      at = line.trim();
      if (end === undefined) child.kill('SIGKILL');
      else ending = end();
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', () => {
      (ending ?? Promise.resolve()).then(() => resolve({ at, output }), reject);
    });
  });
}
