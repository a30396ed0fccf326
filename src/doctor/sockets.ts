import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { withSocketPath } from '../daemon/socket.ts';
import { CONTROL, STATUS } from '../daemon/sockets.ts';
import { why } from '../problem.ts';
import { bad, type Finding, octal, ok, warning, word } from './finding.ts';
import type { Check } from './means.ts';
import { patience } from './patience.ts';
import { pidOf, restartOf } from './see-daemon.ts';

/** ms */
const PATIENCE = 2000;

/** The sockets of the daemon: who may speak to them, and whether anybody listens. */
export const sockets: Check = {
  topic: 'sockets',
  look: async ({ config: { runtimeDir, readGroup }, uid, daemon }) => {
    const seen = await daemon();
    const pid = pidOf(seen);
    const restart = pid === undefined ? undefined : restartOf(pid);
    const most = { [CONTROL]: 0o600, [STATUS]: readGroup === undefined ? 0o600 : 0o660 };
    const all = Object.entries(most).map(([name, mode]) =>
      socketFindings(join(runtimeDir, name), {
        mode,
        uid,
        restart,
        needed: name === CONTROL || readGroup !== undefined,
      }),
    );
    const found = (await Promise.all(all)).flat();
    return found.length > 0 ? found : [ok('sockets', 'no daemon listens, and none has left a socket')];
  },
};

export interface Wanted {
  /** The most that others may. */
  readonly mode: number;
  readonly uid: number;
  /** What restarts the daemon; undefined where none runs. */
  readonly restart: string | undefined;
  /** It should listen there. */
  readonly needed: boolean;
}

export async function socketFindings(
  path: string,
  { mode, uid, restart, needed }: Wanted,
): Promise<readonly Finding[]> {
  const runs = restart !== undefined;
  let stat: ReturnType<typeof lstatSync>;
  try {
    stat = lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      return [bad('socket', `cannot look at ${path}: ${why(error)}`)];
    if (!runs || !needed) return [];
    return [
      bad('socket', `the daemon runs, and its socket ${path} is gone: it can't be asked`, {
        hint: 'its services go on; restart the daemon',
        mend: [restart ?? 'reconcile daemon'],
      }),
    ];
  }
  if (!stat.isSocket())
    return [bad('socket', `${path} is no socket`, { mend: [`mv ${word(path)} ${word(`${path}.old`)}`] })];
  const found: Finding[] = [];
  const evidence = [`${path}: mode ${octal(stat.mode)}, user ${stat.uid}`];
  if (stat.uid !== uid && stat.uid !== 0)
    found.push(bad('socket-owner', `${path} belongs to another user: what answers there is not ours`, { evidence }));
  if ((stat.mode & 0o777 & ~mode) !== 0)
    found.push(
      bad('socket-mode', `others may speak to ${path}, and have the daemon do what they like`, {
        evidence,
        mend: [`chmod ${octal(mode)} ${word(path)}`],
      }),
    );
  const heard = await dial(path);
  if (heard !== undefined && !runs)
    found.push(
      warning('socket-stale', `${path} is left behind: nothing listens there`, {
        evidence: [heard],
        hint: 'the next daemon removes it by itself',
        mend: [`rm ${word(path)}`],
      }),
    );
  if (heard !== undefined && runs)
    found.push(
      bad('socket-dead', `the daemon runs, and does not listen on ${path}`, {
        evidence: [heard],
        mend: [restart ?? 'reconcile daemon'],
      }),
    );
  return found.length > 0 ? found : [ok('socket', `${path}: somebody listens, mode ${octal(stat.mode)}`)];
}

/** Why nobody answers; undefined where somebody takes the connection. */
function dial(path: string): Promise<string | undefined> {
  return withSocketPath(
    path,
    (short) =>
      new Promise((resolve) => {
        const socket = connect(short);
        const done = (because: string | undefined) => {
          calm();
          socket.destroy();
          resolve(because);
        };
        const calm = patience(PATIENCE, () => done(`no answer within ${PATIENCE / 1000}s`));
        socket.once('connect', () => done(undefined));
        socket.once('error', (error) => done(why(error)));
      }),
  );
}
