import { why } from '../../problem.ts';
import { environmentOf } from '../shared/environment.ts';
import type { RunsAs } from '../shared/programs.ts';
import type { Settings } from '../shared/settings.ts';
import { launch, launchOf, openGate } from './launch.ts';
import type { Placed } from './scopes.ts';
import type { Starts } from './starts.ts';

/** What is to be begun. */
export interface Beginning {
  readonly folder: string;
  readonly logDir: string;
  readonly settings: Settings;
  readonly runsAs: RunsAs | undefined;
  readonly stamp: Parameters<typeof environmentOf>[2];
  /** Its command begins once it is where this puts it. */
  readonly place: ((pid: number) => Promise<Placed>) | undefined;
}

/** Who wants it begun; told once, at once or later. */
export interface Begun {
  /** Its shim is there. */
  readonly born: (pid: number) => void;
  readonly failed: (why: string) => void;
}

/** Begins a service, by a process made for that where there is one. Throws what a system call says before the spawn. */
export function begin(
  { folder, logDir, settings, runsAs, stamp, place }: Beginning,
  starts: Starts,
  begun: Begun,
): void {
  const environment = environmentOf(settings, runsAs?.user, stamp);
  const wanted = launchOf({ folder, defaultLogs: logDir, environment, gated: place !== undefined }, settings, runsAs);
  const failed = (error: unknown) => begun.failed(`in ${wanted.directory}: ${why(error)}`);
  const apart = starts.apart(wanted);
  if (apart !== undefined) {
    apart
      .then(begun.born)
      .catch((error: { readonly spawning?: boolean }) =>
        error.spawning === true ? failed(error) : begun.failed(why(error)),
      );
    return;
  }
  const child = launch(wanted);
  child.once('error', failed);
  if (child.pid === undefined) return;
  if (place !== undefined) openGate(child, place(child.pid));
  begun.born(child.pid);
}
