import type { ServiceId } from '../model.ts';
import type { Problem } from '../problem.ts';

export type Stream = 'stdout' | 'stderr';

/** Where outputs of a service go now; `streams` are those that do. */
export type LogPlace =
  | { readonly kind: 'file'; readonly streams: readonly Stream[]; readonly path: string }
  /** What its supervisor says of it is there too. */
  | {
      readonly kind: 'journal';
      readonly streams: readonly Stream[];
      readonly scope: 'system' | 'user';
      readonly unit: string;
    }
  /** `why` goes behind "its standard output". */
  | { readonly kind: 'nowhere'; readonly streams: readonly Stream[]; readonly why: string };

/** What one supervisor knows of where services log. */
export interface LogPlaces {
  /** Of the services that it has; nothing of the others is there. */
  readonly places: ReadonlyMap<ServiceId, readonly LogPlace[]>;
  /** Why it is not known of all that it may have. */
  readonly problem?: Problem;
}

/** Two outputs, each by the file that it goes to. */
export function filePlaces(stdout: string, stderr: string): readonly LogPlace[] {
  if (stdout === stderr) return [filePlace(stdout, ['stdout', 'stderr'])];
  return [filePlace(stdout, ['stdout']), filePlace(stderr, ['stderr'])];
}

export function filePlace(path: string, streams: readonly Stream[]): LogPlace {
  if (path === '/dev/null') return { kind: 'nowhere', streams, why: 'goes to /dev/null' };
  if (/^\/(proc\/|dev\/(std|fd\/|tty|pts\/|console|log$))/.test(path))
    return { kind: 'nowhere', streams, why: `goes to ${path}, which is no file that could be read again` };
  return { kind: 'file', streams, path };
}
