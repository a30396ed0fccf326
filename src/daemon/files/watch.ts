import { relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { headsOf, isBeingWritten, workTreeOf } from '../../git/worktree.ts';
import { type Problem, why } from '../../problem.ts';
import { createBursts } from './bursts.ts';
import { followLinks } from './links.ts';

/** How often (ms) it is looked whether the directory is another by now, or where its links lead. */
const LOOK = 1000;
/** How often (ms) the files are looked at where the kernel has no more watches to give. */
const FALLBACK = 5000;
/** How long (ms) a run waits for what is being written. */
const PATIENCE = 20_000;

/** What the desired state is made of; anything else below its directory may change as it likes. */
const PARTS = /^(policy\.|services$|labels$|hosts$|supervisors$)/;

export interface FileWatch extends AsyncDisposable {
  /**
   * Reads when nothing is being written, and again where something was while it was read: never half of a checkout, of a copy,
   * of an editor's save. What goes on for longer than some seconds is read as it is.
   */
  steady<T>(read: () => Promise<T>): Promise<T>;
}

export interface WatchOptions {
  /** ms between two looks at the files, where their file system tells nothing; absent: it tells. */
  readonly poll?: number | undefined;
  /** Something may have changed: once after each burst. */
  readonly changed: () => void;
  readonly trouble: (problem: Problem) => void;
}

/** Watches the files of a desired state, and the commit that its work tree is at. */
export async function watchFiles(directory: string, options: WatchOptions): Promise<FileWatch> {
  const { changed, trouble } = options;
  let poll = options.poll;
  const isPart = (path: string) => {
    const [top = ''] = relative(directory, path).split(sep);
    return top === '' || PARTS.test(top);
  };
  let tree = workTreeOf(directory);
  const isCheckout = () => tree !== undefined && isBeingWritten(tree);
  const bursts = createBursts(changed, isCheckout);
  const links = followLinks(directory, isPart);
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;
  let watcher: FSWatcher | undefined;

  const open = async () => {
    await watcher?.close();
    if (closed) return;
    tree = workTreeOf(directory);
    const heads = tree === undefined ? [] : headsOf(tree);
    const mine = watch([directory, ...heads], {
      ignoreInitial: false,
      atomic: false,
      ignored: (path) => !heads.includes(path) && !isPart(path),
      ...(poll === undefined ? {} : { usePolling: true, interval: poll, binaryInterval: poll }),
    });
    watcher = mine;
    const ready = Promise.withResolvers<void>();
    mine.on('error', (error) => {
      if (watcher === mine) failed(error);
      ready.resolve();
    });
    mine.on('add', (path) => bursts.knew(path));
    mine.once('ready', () => ready.resolve());
    await ready.promise;
    mine.removeAllListeners('add');
    for (const event of ['add', 'change', 'unlink', 'unlinkDir'] as const) mine.on(event, bursts.saw);
  };
  const reopen = () => {
    turn = turn.then(open, open).then(() => bursts.saw(directory));
  };
  const failed = (error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const limit = LIMITS[code ?? ''];
    if (limit === undefined || poll !== undefined)
      return trouble({ code: 'watch', summary: `cannot watch ${directory}: ${why(error)}` });
    poll = FALLBACK;
    trouble({
      code: 'watch-limit',
      summary: `cannot watch ${directory}: ${limit} is reached; its files are looked at every ${FALLBACK / 1000}s instead`,
      hint: `raise it (sysctl ${limit}), then start the daemon anew`,
    });
    reopen();
  };
  await open();
  await turn;
  const look = setInterval(() => {
    if (links.changed()) reopen();
  }, LOOK);

  const quiet = async (end: number) => {
    while (performance.now() < end && !closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, 100);
      if (!bursts.calm) await Promise.race([bursts.quiet(), promise]);
      else if (isCheckout()) await promise;
      clearTimeout(timer);
      if (bursts.calm && !isCheckout()) return;
    }
  };
  return {
    steady: async (read) => {
      const end = performance.now() + PATIENCE;
      for (;;) {
        await quiet(end);
        const before = bursts.seen;
        const result = await outcome(read);
        // What happened meanwhile is told only by now.
        await new Promise((resolve) => setImmediate(resolve));
        if (performance.now() > end || closed || (bursts.seen === before && !isCheckout())) return result();
      }
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      clearInterval(look);
      bursts[Symbol.dispose]();
      await turn;
      await watcher?.close();
    },
  };
}

/** What the kernel has no more of (inotify(7)). */
const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: 'fs.inotify.max_user_watches',
  EMFILE: 'fs.inotify.max_user_instances',
};

/** What it gave, or threw: to be had later. */
async function outcome<T>(read: () => Promise<T>): Promise<() => T> {
  try {
    const value = await read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
