import type { Exit, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import type { State } from './machine.ts';

/** What supervision tells while it works, for the daemon's log. */
export type BuiltinEvent =
  | {
      readonly kind: 'state';
      readonly service: ServiceId;
      readonly from: State['name'];
      readonly to: State['name'];
      readonly pid?: number;
      /** How it ended, where that made the change. */
      readonly exit?: Exit;
      /** Why it is FATAL or HELD. */
      readonly reason?: string;
    }
  /** It was found running and taken back. */
  | { readonly kind: 'adopted'; readonly service: ServiceId; readonly pid: number }
  /** It did not end on its stop signal within this time (ms). */
  | { readonly kind: 'killed'; readonly service: ServiceId; readonly after: number }
  /** Its shim was killed: it goes on, but how it ends will not be seen. */
  | { readonly kind: 'unseen'; readonly service: ServiceId; readonly pid: number }
  | { readonly kind: 'service-trouble'; readonly service: ServiceId; readonly problem: Problem };
