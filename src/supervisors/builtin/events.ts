import type { Exit, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import type { Input, State } from './machine.ts';

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
  /** It did not end on its stop signal within this time (ms), and was killed. */
  | { readonly kind: 'killed'; readonly service: ServiceId; readonly after: number }
  /** Its shim was killed: it goes on, but how it ends will not be seen. */
  | { readonly kind: 'unseen'; readonly service: ServiceId; readonly pid: number }
  /** Of no service alone. */
  | { readonly kind: 'trouble'; readonly problem: Problem }
  | { readonly kind: 'service-trouble'; readonly service: ServiceId; readonly problem: Problem };

/** What a transition has to tell, if anything. */
export function changeOf(
  service: ServiceId,
  from: State,
  to: State,
  pid: number | undefined,
  input: Input | undefined,
): BuiltinEvent | undefined {
  if (from.name === 'STOPPING' && to.name === 'STOPPING' && to.killed && !from.killed) {
    return { kind: 'killed', service, after: from.until - from.since };
  }
  const ended = input?.kind === 'ended' ? input : undefined;
  if (from.name === to.name && ended === undefined) return undefined;
  const reason = 'reason' in to ? to.reason : ended?.why;
  return {
    kind: 'state',
    service,
    from: from.name,
    to: to.name,
    ...(pid === undefined ? {} : { pid }),
    ...(ended === undefined ? {} : { exit: ended.exit }),
    ...(reason === undefined ? {} : { reason }),
  };
}
