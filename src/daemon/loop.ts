import { Failure } from '../problem.ts';

/**
 * One run at a time: tasks go one after another, and nudges that come while one runs or waits are one run more, which
 * reads everything anew.
 */
export interface Loop {
  /** Something may have changed; carries no content but, for the history, in a few words why. */
  nudge(cause?: string): void;
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

/** How many causes of one run are told. */
const CAUSES = 5;

/** `around` runs each turn. */
export function createLoop(
  onNudge: (causes: readonly string[]) => Promise<void>,
  around: <T>(turn: () => Promise<T>) => Promise<T> = (turn) => turn(),
): Loop {
  let last: Promise<unknown> = Promise.resolve();
  let queued: Set<string> | undefined;
  let closed = false;
  const run = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = last.then(() => {
      if (closed) throw new Failure(STOPPING);
      return around(task);
    });
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    nudge: (cause) => {
      if (closed) return;
      const isFirst = queued === undefined;
      queued ??= new Set();
      if (cause !== undefined && queued.size < CAUSES) queued.add(cause);
      if (!isFirst) return;
      run(() => {
        const causes = [...(queued ?? [])];
        queued = undefined;
        return onNudge(causes);
      }).catch(() => undefined);
    },
    run,
    close: async () => {
      closed = true;
      await last;
    },
  };
}
