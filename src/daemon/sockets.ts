import { chmodSync, chownSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { findGroup } from '../host/users.ts';
import { readEvents } from '../journal/events.ts';
import { Failure, type Problem, why } from '../problem.ts';
import { type Handlers, serveControl } from './control.ts';

/** Where the daemon listens, in its runtime folder. */
export const CONTROL = 'control.sock';
/** The same for the `readGroup`: it only tells what is. */
export const STATUS = 'status.sock';

/** The runtime folder's mode where a group may pass through it. */
const PASSABLE = 0o710;

/**
 * Listens for whoever may ask: its own user for everything, and with `readGroup` that group for what reads. To reach its
 * socket the group may pass through the runtime folder, but not list it. Fails where there is no such group.
 */
export async function serveSockets(
  config: Pick<Config, 'runtimeDir' | 'stateDir' | 'readGroup'>,
  given: Omit<Handlers, 'events'>,
): Promise<AsyncDisposable> {
  const { runtimeDir, stateDir, readGroup } = config;
  const handlers: Handlers = { ...given, events: (wanted) => readEvents(stateDir, wanted) };
  const group = readGroup === undefined ? undefined : await gidOf(readGroup);
  await using stack = new AsyncDisposableStack();
  // A daemon that had a group may have left its socket.
  rmSync(join(runtimeDir, STATUS), { force: true });
  const mode = statSync(runtimeDir).mode & 0o777;
  if (group === undefined || readGroup === undefined) {
    if (mode === PASSABLE) chmodSync(runtimeDir, 0o700);
  } else {
    try {
      // Where everybody may pass, the group may too.
      if ((mode & 0o001) === 0) {
        chownSync(runtimeDir, -1, group);
        chmodSync(runtimeDir, PASSABLE);
      }
      stack.use(await serveControl(join(runtimeDir, STATUS), handlers, { kind: 'read', group }));
    } catch (error) {
      throw new Failure(notGiven(readGroup, why(error)));
    }
  }
  stack.use(await serveControl(join(runtimeDir, CONTROL), handlers, { kind: 'all' }));
  return stack.move();
}

async function gidOf(name: string): Promise<number> {
  const group = await findGroup(name);
  if (group !== undefined) return group.gid;
  throw new Failure({
    code: 'no-such-group',
    summary: `cannot let group '${name}' ask the daemon (readGroup): there is no such group`,
    hint: `make it (groupadd ${name}), or take readGroup out of the configuration`,
  });
}

function notGiven(group: string, because: string): Problem {
  return {
    code: 'group-not-given',
    summary: `cannot let group '${group}' ask the daemon (readGroup): ${because}`,
    hint: 'a daemon that does not run as root can name only groups that its user is in',
  };
}
