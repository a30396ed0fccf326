import { Failure } from '../problem.ts';

/**
 * One run at a time: tasks go one after another, and nudges that come while one runs or waits are one run more, which
 * reads everything anew.
 */
export interface Loop {
  /** Something may have changed; carries no content. */
  nudge(): void;
  /** Runs a task in turn. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Resolves when what runs now has ended; what waits is not begun. */
  close(): Promise<void>;
}

const STOPPING = {
  code: 'stopping',
  summary: 'the daemon is stopping: nothing was done',
  hint: 'run `reconcile` again',
};

export function createLoop(onNudge: () => Promise<void>): Loop {
  let last: Promise<unknown> = Promise.resolve();
  let queued = false;
  let closed = false;
  const run = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = last.then(() => {
      if (closed) throw new Failure(STOPPING);
      return task();
    });
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    nudge: () => {
      if (queued || closed) return;
      queued = true;
      run(() => {
        queued = false;
        return onNudge();
      }).catch(() => undefined);
    },
    run,
    close: async () => {
      closed = true;
      await last;
    },
  };
}
