import type { ServiceId } from '../model.ts';
import type { ProbeState } from './health.ts';

/** What a failing probe says is to be done, besides telling. */
export type Deed = 'restart' | 'rollback' | 'stop';

/** What is to be done about a service, as its probes are now. */
export type Act =
  | { readonly kind: 'nothing' }
  /** What it depends on is not well: nothing is done for its own failures. */
  | { readonly kind: 'waits'; readonly on: string }
  /** Its last change is being verified: whoever does that decides. */
  | { readonly kind: 'verified' }
  | { readonly kind: 'act'; readonly deed: Deed; readonly probe: string; readonly why: string };

export interface Situation {
  /** What it depends on that is not well. */
  readonly cause: { readonly on: string } | undefined;
  /** Git has changed it, and it has yet to stay well. */
  readonly soaking: boolean;
}

/** What weighs most comes first: what is to be stopped is not to be started anew. */
const DEEDS: readonly Deed[] = ['stop', 'rollback', 'restart'];

/** Only what is about the service itself, and is no readiness alone, is ever a reason to act. Pure. */
export function actOn(states: readonly ProbeState[], { cause, soaking }: Situation): Act {
  const failing = states.flatMap(({ probe, verdict }) => {
    const isReason = probe.about === 'self' && probe.kind !== 'readiness';
    return verdict.kind === 'failing' && isReason ? [{ probe, why: verdict.why }] : [];
  });
  const found = DEEDS.flatMap((deed) => {
    const first = failing.find(({ probe }) => probe.onFailure === deed);
    return first === undefined ? [] : [{ kind: 'act' as const, deed, probe: first.probe.name, why: first.why }];
  });
  const [act] = found;
  if (act === undefined) return { kind: 'nothing' };
  if (cause !== undefined) return { kind: 'waits', on: cause.on };
  return soaking ? { kind: 'verified' } : act;
}

/** What was done about a failing probe, or would have been, or was not. */
export interface Acted {
  readonly service: ServiceId;
  readonly probe: string;
  /** What the probe said. */
  readonly why: string;
  readonly what: Deed;
  readonly outcome:
    | { readonly kind: 'done' }
    /** `mode: observe`: it is only told. */
    | { readonly kind: 'would' }
    /** A budget is spent, or there is nothing to go back to; `until`: when it is tried again (ms since the epoch). */
    | { readonly kind: 'refused'; readonly because: string; readonly until?: number }
    | { readonly kind: 'failed'; readonly because: string };
}
