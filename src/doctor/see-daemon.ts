import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { withSocketPath } from '../daemon/socket.ts';
import { CONTROL } from '../daemon/sockets.ts';
import { http } from '../host/http.ts';
import { type Holder, readHolder } from '../host/lock.ts';
import { beganAt, cgroupsOf, dead, statOf } from '../host/procfs.ts';
import type { Status } from '../model.ts';
import { why } from '../problem.ts';
import { UNIT } from '../service/places.ts';
import { patience } from './patience.ts';

/** The daemon of a runtime folder. */
export type DaemonSeen =
  | { readonly kind: 'none' }
  /** Who asks may not see it. */
  | { readonly kind: 'hidden' }
  | { readonly kind: 'answers'; readonly holder: Holder; readonly status: Status }
  /** It runs, and does not answer. */
  | { readonly kind: 'silent'; readonly holder: Holder; readonly because: string };

/** ms. One that is up hears a request at once. */
const PATIENCE = 6000;

export async function seeDaemon({ runtimeDir }: Pick<Config, 'runtimeDir'>, limit = PATIENCE): Promise<DaemonSeen> {
  const lock = join(runtimeDir, 'lock');
  if (isHidden(lock)) return { kind: 'hidden' };
  const holder = readHolder(lock);
  if (holder?.role !== 'daemon' || !isThere(holder)) return { kind: 'none' };
  const late = new AbortController();
  const calm = patience(limit, () => late.abort());
  try {
    const status = JSON.parse(await get(join(runtimeDir, CONTROL), '/v1/status', late.signal)) as Status;
    return { kind: 'answers', holder, status };
  } catch (error) {
    return { kind: 'silent', holder, because: late.signal.aborted ? `no answer within ${limit / 1000}s` : why(error) };
  } finally {
    calm();
  }
}

/** Its process, where it is seen. */
export function pidOf(seen: DaemonSeen): number | undefined {
  return 'holder' in seen ? seen.holder.pid : undefined;
}

function isHidden(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM';
  }
}

/** A process with its pid that began later is another one. */
export function isThere({ pid, since }: Pick<Holder, 'pid' | 'since'>): boolean {
  const stat = statOf(pid);
  return stat !== undefined && !dead(stat) && beganAt(stat) <= Date.parse(since) + 2000;
}

/** The command that has another daemon in its place; its services keep their processes. */
export function restartOf(pid: number): string {
  const isUnit = cgroupsOf(pid)?.some((line) => line.endsWith(`/${UNIT}`)) === true;
  return isUnit ? 'systemctl restart reconciled' : `kill ${pid}; reconcile daemon`;
}

function get(path: string, url: string, signal: AbortSignal): Promise<string> {
  return withSocketPath(
    path,
    (socketPath) =>
      new Promise((resolve, reject) => {
        const call = http.request({ socketPath, path: url, signal }, (response) => {
          let text = '';
          response
            .setEncoding('utf8')
            .on('data', (chunk: string) => {
              text += chunk;
            })
            .once('error', reject)
            .once('end', () => resolve(text));
        });
        call.once('error', reject);
        call.end();
      }),
  );
}
