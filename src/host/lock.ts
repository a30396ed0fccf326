import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';

/** Who holds a runtime folder. */
export interface Holder {
  readonly pid: number;
  readonly role: 'daemon' | 'apply';
  /** The real path of its desired-state directory. */
  readonly desiredState: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface Lock extends Disposable {
  readonly path: string;
  /** Is the file that we hold still the one at its path? Where it was removed, others can lock one of their own. */
  isThere(): boolean;
}

/**
 * Takes the lock of a file, which the kernel releases when this process ends, however it ends. Node has no flock(2):
 * the util-linux program takes it on a descriptor of ours, and since such a lock belongs to the open file and not to
 * the process that asked, it stays until we close it or die. Waits up to `wait` ms. Throws what opening the file says.
 */
export async function takeLock(path: string, holder: Holder, wait: number): Promise<Lock | undefined> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const args = wait > 0 ? ['-w', String(wait / 1000)] : ['-n'];
  let code: number | null;
  try {
    code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn('flock', [...args, '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
      child.once('error', reject);
      child.once('exit', resolve);
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (code !== 0) {
    closeSync(fd);
    return undefined;
  }
  try {
    ftruncateSync(fd);
    writeSync(fd, `${JSON.stringify(holder)}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw Object.assign(error as Error, { path });
  }
  return { path, isThere: () => isSame(fd, path), [Symbol.dispose]: () => closeSync(fd) };
}

function isSame(fd: number, path: string): boolean {
  const [ours, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return there?.ino === ours.ino && there.dev === ours.dev;
}

/** Who wrote the lock file last; says nothing of whether it is still held. */
export function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}
