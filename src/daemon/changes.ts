import type { Config } from '../config.ts';
import type { Problem } from '../problem.ts';
import { type FileWatch, watchFiles } from './files/watch.ts';
import { type SourceOptions, type SourceWatch, watchSource } from './source.ts';

/** All that tells of a new desired state: commits of a repository elsewhere, or the files of this host. */
export interface Changes extends SourceWatch {
  /** Watches the files, where these are the source; commits come whole. From then on `changed` is called. */
  begin(): Promise<void>;
  /** Reads when nothing is being written (files/watch.ts). */
  steady<T>(read: () => Promise<T>): Promise<T>;
}

export interface ChangesOptions extends SourceOptions {
  readonly trouble: (problem: Problem) => void;
}

/** A repository elsewhere that was never fetched is fetched first. */
export async function watchChanges(config: Config, options: ChangesOptions): Promise<Changes> {
  const { changed, trouble } = options;
  let files: FileWatch | undefined;
  let began = false;
  const source = await watchSource(config, {
    ...options,
    // What is taken before the first run is seen by it.
    changed: (cause) => began && changed(cause),
  });
  return {
    ...source,
    begin: async () => {
      began = true;
      if (config.git !== undefined) return;
      const poll = config.watch?.poll;
      files = await watchFiles(config.desiredState, { poll, changed: () => changed('files changed'), trouble });
    },
    steady: (read) => files?.steady(read) ?? read(),
    [Symbol.asyncDispose]: async () => {
      await files?.[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}
