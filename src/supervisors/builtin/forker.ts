import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Asked, Told } from './forker-process.ts';
import type { Launch } from './launch.ts';

interface Waiting {
  readonly resolve: (pid: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Launches services by a process of its own, which is small: a fork copies the page tables of the one that forks, and to do
 * that a thousand times takes a second less from it. Besides, whoever asks goes on meanwhile.
 */
export class Forker {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #state: 'coming' | 'ready' | 'over' = 'coming';
  #last = 0;

  constructor() {
    const here = import.meta.url;
    // From the bundle's chunks one folder up.
    const program = new URL(here.endsWith('.js') ? '../forker.js' : './forker-process.ts', here);
    // In a session of its own: Ctrl-C is for whoever asks.
    this.#process = spawn(process.execPath, ['--v8-pool-size=1', fileURLToPath(program), String(process.pid)], {
      detached: true,
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#process.on('message', (told: Told) => this.#told(told));
    this.#process.once('error', () => this.#end());
    this.#process.once('exit', () => this.#end());
    this.#process.unref();
    this.#process.channel?.unref();
  }

  /** It can be asked. Never where its files are gone: who asks launches by himself then. */
  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** The pid of the shim. Rejects with what a system call said (`spawning` if that was the spawn), and where it ended before it told. */
  launch(launch: Launch): Promise<number> {
    this.#last += 1;
    const number = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#process.channel?.ref();
      const asked: Asked = { number, launch };
      this.#process.send(asked, (error) => error && this.#end());
    });
  }

  /** To be called when nothing is on its way: it ends at once. */
  close(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  #told(told: Told): void {
    if (told.kind === 'ready') {
      this.#state = 'ready';
      return;
    }
    const waiting = this.#waiting.get(told.number);
    this.#waiting.delete(told.number);
    if (this.#waiting.size === 0) this.#process.channel?.unref();
    if (told.kind === 'launched') waiting?.resolve(told.pid);
    else waiting?.reject(Object.assign(new Error(told.message), { code: told.code, spawning: told.spawning }));
  }

  #end(): void {
    this.#state = 'over';
    const error = new Error('the process that was to start it has ended');
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
