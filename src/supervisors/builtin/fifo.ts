import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { type ProcessStat, parseStat } from '../../host/procfs.ts';
import type { Exit } from '../../model.ts';
import { exitOf } from '../shared/exit.ts';

export const FIFO = 'alive';

interface Batch {
  readonly paths: string[];
  readonly made: Promise<void>;
}
let batch: Batch | undefined;

/** Makes a FIFO, if it isn't there yet. Node can't: all asked for in one turn of the event loop are made by one program. */
export function makeFifo(path: string): Promise<void> {
  batch ??= open();
  batch.paths.push(path);
  return batch.made;
}

function open(): Batch {
  const paths: string[] = [];
  const made = new Promise<void>((resolve, reject) => {
    setImmediate(() => {
      batch = undefined;
      // A thousand long paths still fit into one command line many times over.
      const child = spawn('mkfifo', ['-m', '600', '--', ...paths], { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      child.once('error', reject);
      child.once('close', (code) => {
        const others = said.split('\n').filter((line) => line !== '' && !line.endsWith('File exists'));
        if (code === 0 || others.length === 0) resolve();
        else reject(new Error(others[0]));
      });
    });
  });
  return { paths, made };
}

/**
 * Is a shim alive behind this FIFO (or one being born)? Opens it for writing, which fails where nobody has it open: unlike
 * reading, that takes no line from whoever listens.
 */
export function isHeld(path: string): boolean {
  // An error, made and thrown away a thousand times, costs more than to ask.
  if (!existsSync(path)) return false;
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

export interface Listener {
  /** The command is there (or about to be: its shell becomes it). */
  readonly pid: (stat: ProcessStat) => void;
  /** The shim is gone; how the command ended, where the shim told. */
  readonly end: (exit: Exit | undefined) => void;
}

/** Listens to a shim until it ends; never calls back after `close`. Throws what opening says. */
export function listen(path: string, listener: Listener): { close(): void } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // Without a writer since it was opened, a FIFO never reports its end: a shim that ended before would never be missed.
  closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  const socket = new Socket({ fd, readable: true, writable: false });
  let rest = '';
  let exit: Exit | undefined;
  let open = true;
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('exit ')) exit = exitOf(Number(line.slice(5)));
      const stat = line.startsWith('pid ') ? parseStat(line.slice(4)) : undefined;
      if (stat !== undefined && open) listener.pid(stat);
    }
  });
  const end = () => {
    if (!open) return;
    open = false;
    socket.destroy();
    listener.end(exit);
  };
  socket.on('error', end);
  socket.on('end', end);
  return {
    close: () => {
      open = false;
      socket.destroy();
    },
  };
}

/** What the shim wrote of the command's process; undefined before it has, and where only a part is there. */
export function readPid(folder: string): ProcessStat | undefined {
  const text = readText(join(folder, 'pid'));
  return text?.endsWith('\n') ? parseStat(text) : undefined;
}

export function readExit(folder: string): Exit | undefined {
  const text = readText(join(folder, 'exit'));
  return text !== undefined && /^\d+\n$/.test(text) ? exitOf(Number(text)) : undefined;
}

function readText(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
