import { readFileSync, statSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { watch } from 'chokidar';

/** A save is over when nothing has happened for this long (ms): of one file, of several at once. */
const QUIET = 10;
const QUIET_MANY = 30;
/** An unlink may be the first half of an editor's save: the file is back within this time (ms), or it is gone. */
const REPLACED = 150;
/** What looks half-written is believed after this much quiet (ms). */
const BELIEVED = 1000;

/** What the desired state is made of; anything else below its directory may change as it likes. */
const PARTS = /^(policy\.|services$|labels$|hosts$|supervisors$)/;

/**
 * Calls `changed` once after each burst of changes below a directory, when the files in it look whole. A file that was
 * cut off (empty, no newline at its end, or no more than the beginning of what it was) may be valid YAML and mean
 * something else: it is waited for.
 */
export async function watchFiles(
  directory: string,
  changed: () => void,
  failed: (error: unknown) => void,
): Promise<AsyncDisposable> {
  const known = new Map<string, string>();
  /** Changed files, each with the quiet it asks for. */
  const pending = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(directory, {
    ignoreInitial: false,
    atomic: false,
    ignored: (path) => {
      const [top = ''] = relative(directory, path).split(sep);
      return top !== '' && !PARTS.test(top);
    },
  });
  const settle = () => {
    for (const path of pending.keys()) {
      const text = readText(path);
      if (text === undefined) known.delete(path);
      else known.set(path, text);
    }
    pending.clear();
    changed();
  };
  const later = (path: string) => {
    pending.set(path, quietFor(readText(path), known.get(path)));
    clearTimeout(timer);
    const mine = setTimeout(
      // Where we were busy, what has happened meanwhile is told only after timers that are due.
      () => setImmediate(() => timer === mine && settle()),
      Math.max(...pending.values(), pending.size > 1 ? QUIET_MANY : 0),
    );
    timer = mine;
  };
  await new Promise<void>((resolve) => {
    watcher.on('add', (path) => known.set(path, readText(path) ?? ''));
    watcher.once('ready', resolve);
    watcher.on('error', failed);
  });
  watcher.removeAllListeners('add');
  for (const event of ['add', 'change', 'unlink', 'unlinkDir'] as const) watcher.on(event, later);
  return {
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

/** How long (ms) nothing may happen before a file in this state is believed. */
function quietFor(now: string | undefined, before: string | undefined): number {
  // What was never part of it (a temporary file that an editor renames) needs no waiting for.
  if (now === undefined) return before === undefined ? QUIET : REPLACED;
  const cut =
    now === '' || !now.endsWith('\n') || (before !== undefined && now.length < before.length && before.startsWith(now));
  return cut ? BELIEVED : QUIET;
}

function readText(path: string): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= 1 << 20 ? readFileSync(path, 'utf8') : '\n';
  } catch {
    return undefined;
  }
}
