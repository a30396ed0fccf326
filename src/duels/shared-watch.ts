import type { Samples, Subject } from './samples.ts';
import { type Watch, watch } from './watch.ts';

/** One watch for all that has to be watched at a time. While that is nothing, nothing runs. */
export interface SharedWatch extends AsyncDisposable {
  /** What is to be watched for this key from now on; with nothing it is let go. */
  set(key: string, subjects: readonly Subject[]): Promise<void>;
  /** What was seen since there was last something to watch; undefined where there is nothing. */
  samples(): Samples | undefined;
}

export function shareWatch(open: (subjects: readonly Subject[]) => Watch = watch): SharedWatch {
  const wanted = new Map<string, readonly Subject[]>();
  let eye: Watch | undefined;
  const close = async () => {
    const last = eye;
    eye = undefined;
    await last?.[Symbol.asyncDispose]();
  };
  return {
    set: async (key, subjects) => {
      if (subjects.length === 0) wanted.delete(key);
      else wanted.set(key, subjects);
      const all = [...new Map([...wanted.values()].flat().map((one) => [one.name, one])).values()];
      if (all.length === 0) await close();
      else if (eye === undefined) eye = open(all);
      else eye.change(all);
    },
    samples: () => eye?.samples(),
    [Symbol.asyncDispose]: async () => {
      wanted.clear();
      await close();
    },
  };
}
