import type { Config } from '../config.ts';
import { supervisorsInUse } from '../engine.ts';
import type { Desired } from '../model.ts';
import type { Registry, Supervisors } from '../supervisors/index.ts';

/** The supervisors that a daemon looks at, each watched from the first time on. Disposing of it ends the watches alone. */
export interface InUse extends AsyncDisposable {
  /** Those that have to be looked at for this; one that is declared otherwise than before is another. */
  take(desired: Desired): Promise<Supervisors>;
}

export interface InUseMeans {
  readonly registry: Pick<Registry, 'take'>;
  /** Something happens in one of them that may be somebody's doing. */
  readonly stir: () => void;
  readonly nudge: (cause: string) => void;
}

export function keepInUse(config: Config, { registry, stir, nudge }: InUseMeans): InUse {
  const watched = new Set<object>();
  const watches: AsyncDisposable[] = [];
  return {
    take: async (desired) => {
      const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
      for (const supervisor of supervisors.values()) {
        if (watched.has(supervisor)) continue;
        watched.add(supervisor);
        const news = () => {
          stir();
          nudge(`something changed in ${supervisor.name}`);
        };
        watches.push(supervisor.watch(news, stir));
      }
      return supervisors;
    },
    [Symbol.asyncDispose]: async () => {
      for (const watch of watches) await watch[Symbol.asyncDispose]();
    },
  };
}
