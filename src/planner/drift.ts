import type { Boot, Drift, DriftKind, Held, Notice, Run, Step } from '../model.ts';
import { unreachable } from '../problem.ts';
import { SUPERSEDED } from '../thing.ts';

/** That a service was left as somebody made it, until when (ms since the epoch), and whether that time has passed. */
export interface Hold {
  readonly what?: DriftKind;
  readonly until: number;
  readonly expired: boolean;
  /** Who made it so, where that is known. */
  readonly by?: string;
  /** That its time is over is not enough: a person has to say so. */
  readonly stays?: true;
}

interface Decided {
  readonly steps: readonly Step[];
  readonly held?: Held['reason'];
  readonly notices: readonly Notice[];
}

/**
 * What to do about a service that was as desired, that Git has not changed since, and that needs steps all the same: if
 * somebody made it so, it is left as it is for a while (`hold`), told (`report`), or made right (`heal`). What ended by
 * itself, or was interrupted, is nobody's doing.
 */
export function withDrift<D extends Decided>(
  decided: D,
  drift: Drift,
  hold: Hold | undefined,
  run: Run | undefined,
): D | Decided {
  const found = decided.steps.map((step) => driftOf(step, run)).find((kind) => kind !== undefined);
  const what = found ?? (decided.steps.some(starts) && isStillStopped(hold, run) ? 'stopped' : undefined);
  if (what === undefined) return decided;
  const [first] = decided.steps;
  const { notices } = decided;
  switch (drift) {
    case 'heal':
      return decided;
    case 'report':
      return { steps: [], notices: [...notices, { kind: 'drift', service: first?.service ?? '', what }] };
    case 'hold': {
      if (hold?.expired && hold.stays === undefined) return decided;
      const { by, stays } = hold ?? {};
      const until = hold === undefined || stays ? {} : { until: hold.until };
      const more = { ...until, ...(by === undefined ? {} : { by }), ...(stays && { stays }) };
      return { steps: [], held: { kind: 'drift', what, ...more }, notices };
    }
    default:
      return unreachable(drift);
  }
}

const starts = ({ effect }: Step): boolean => effect === 'start';

/** What was stopped by somebody stays so, whatever else happens to it meanwhile. */
function isStillStopped(hold: Hold | undefined, run: Run | undefined): boolean {
  return hold?.what === 'stopped' && (run?.kind === 'stopped' || run?.kind === 'stopping');
}

/** What somebody must have done, so that this step is needed; undefined where nobody need have done anything. */
function driftOf({ reason, boot, files = [] }: Step, run: Run | undefined): DriftKind | undefined {
  // It was taken over by us, and is given back.
  if (files.some(({ path, to }) => to === undefined && path.endsWith(`/${SUPERSEDED}`))) return undefined;
  // A mask takes the place of its file: what it does is told, not how.
  const masked = boot?.from === 'blocked' ? 'blocked' : undefined;
  switch (reason.kind) {
    case 'missing':
      return 'removed';
    case 'adopted':
      return masked ?? 'removed';
    case 'changed':
      return masked ?? 'edited';
    case 'files':
      return reason.by === 'others' ? (masked ?? 'edited') : undefined;
    case 'boot':
      return reason.to === 'blocked' && reason.from === 'disabled' ? 'unblocked' : BOOT[reason.from];
    case 'not-running':
      if ((run?.kind === 'stopped' || run?.kind === 'stopping') && run.byHand) return 'stopped';
      return boot === undefined ? undefined : BOOT[boot.from];
    case 'not-wanted':
      return 'started';
    case 'stale-process':
    case 'staged':
    case 'with':
    case 'renamed':
    case 'fewer-instances':
    case 'not-in-git':
    case 'asked':
    case 'unhealthy':
    case 'superseded':
    case 'given-back':
    case 'behind':
      return undefined;
    default:
      return unreachable(reason);
  }
}

const BOOT: Readonly<Record<Boot, DriftKind>> = { enabled: 'enabled', disabled: 'disabled', blocked: 'blocked' };
