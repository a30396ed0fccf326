import type { Cause, Level, ServiceId } from '../model.ts';

/** How well it is has changed; undefined: it has no level, such as what is not to run. A first level that is HEALTHY is not told. */
export type LevelEvent = {
  readonly kind: 'level';
  readonly from: Level | undefined;
  readonly to: Level | undefined;
  /** What made it so; of a group and the host, the worst members. */
  readonly why: string | undefined;
} & (
  | { readonly of: 'service'; readonly service: ServiceId }
  | { readonly of: 'group'; readonly group: string }
  | { readonly of: 'host' }
);

/** What a board tells. */
export type BoardEvent =
  | LevelEvent
  /** Something that it depends on is down or not well: from now on its own failures are put down to that. */
  | { readonly kind: 'waiting-for'; readonly service: ServiceId; readonly cause: Cause }
  /** That is over, after so long (ms): its probes begin anew, with its grace. */
  | { readonly kind: 'waiting-over'; readonly service: ServiceId; readonly on: string; readonly after: number };
