import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Watches files and folders by their folders, so that one that is replaced, rotated or made later is seen too. `files`:
 * absolute paths; a folder that is watched whole ends with a slash. What is not there can't be watched: whoever asks has
 * to look by itself now and then, and to call again. What happens within `quiet` ms is told once, at their end.
 */
export function watchPaths(files: readonly string[], quiet: number, touched: () => void): Disposable {
  const watchers: FSWatcher[] = [];
  let settling: NodeJS.Timeout | undefined;
  const settle = () => {
    settling ??= setTimeout(() => {
      settling = undefined;
      touched();
    }, quiet);
  };
  for (const path of files) {
    const whole = path.endsWith('/');
    const folder = whole ? path : dirname(path);
    try {
      const watcher = watch(folder, (_, name) => {
        if (whole || name === null || name === basename(path)) settle();
      });
      watchers.push(watcher.on('error', () => {}));
    } catch {
      // No such folder yet, or no watch left.
    }
  }
  return {
    [Symbol.dispose]: () => {
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}
