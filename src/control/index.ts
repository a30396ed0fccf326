import type { Desired, Held, Notice } from '../model.ts';
import type { Control, Stay, Subject } from '../planner/control.ts';
import { breakerAt } from '../restarts/breaker.ts';
import { budgetsOf } from '../restarts/budgets.ts';
import { readBreaker } from '../restarts/decision.ts';
import { readApplied } from './applied.ts';
import { type Approval, readApprovals } from './approvals.ts';
import { type Freeze, freezeOf, readFreezes } from './freeze.ts';
import { holdOn, overHold, type PersonHold, readHolds } from './holds.ts';
import type { Windows } from './windows.ts';

/** All that says who may be changed now, beside Git and the host. */
export interface Decided {
  readonly freezes: readonly Freeze[];
  /** What people want left alone, and what time (ms since the epoch) it is for that. */
  readonly holds?: { readonly all: readonly PersonHold[]; readonly now: number };
  readonly approvals: readonly Approval[];
  /** So many services were restarted on this host that the daemon only observes. */
  readonly breaker?: { readonly until: number; readonly why: string } | undefined;
  readonly windows?: Windows | undefined;
  readonly applied?: Control['applied'];
  /** A person wants it done whatever windows and freezes say. */
  readonly override?: boolean;
  /** To see what waits for an approval. */
  readonly preview?: boolean;
}

/** What was decided on this host, and what the clock says. Fails where a decision is damaged. */
export async function readControl(stateDir: string, desired: Desired, now: number): Promise<Decided> {
  const { windows } = desired.policy.written;
  return {
    freezes: readFreezes(stateDir, now),
    holds: { all: readHolds(stateDir), now },
    approvals: readApprovals(stateDir),
    breaker: openBreaker(stateDir, desired, now),
    windows: windows === undefined ? undefined : (await import('./windows.ts')).openWindows(windows, now),
    applied: readApplied(stateDir),
  };
}

/** Whose changes have to wait; undefined where nobody's ever do. */
export function controlOf({ policy, services, quarantined }: Desired, decided: Decided): Control | undefined {
  const { freezes, windows, breaker, override = false, holds = { all: [], now: 0 } } = decided;
  const observes = policy.written.mode === 'observe';
  const own = services.some(
    ({ written }) => written.mode === 'observe' || written.confirm === true || written.gate !== undefined,
  );
  const waits = windows !== undefined || breaker !== undefined || observes || own;
  if (holds.all.length + freezes.length === 0 && !waits) return undefined;
  const stay = (service: Subject): Stay | undefined => {
    if ((service.written?.mode ?? policy.written.mode) === 'observe') return { kind: 'observed' };
    if (override) return undefined;
    if (breaker !== undefined) return { kind: 'breaker', ...breaker };
    const freeze = freezeOf(freezes, service);
    if (freeze !== undefined) return { kind: 'frozen', name: freeze.name, ...told(freeze) };
    const shut = windows?.shut(service);
    return shut === undefined ? undefined : { kind: 'window', ...shut };
  };
  const hold: Control['hold'] = (service) => {
    const last = () => (service.written?.gate === undefined ? undefined : overHold(holds.all, service, holds.now));
    const held = holdOn(holds.all, service, holds.now) ?? last();
    if (held === undefined) return undefined;
    const { by, why, since, until } = held;
    return { kind: 'hold', by, why, since, ...(until > holds.now ? { until } : { stays: true }) };
  };
  return {
    stay,
    hold,
    preview: decided.preview === true,
    override,
    approved: new Map(decided.approvals.map(({ service, work }) => [service, work])),
    // What did not stay well goes back at any time.
    exempt: new Set(quarantined?.keys()),
    applied: decided.applied ?? new Map(),
    notices: [
      ...freezes.map((freeze): Notice => ({ kind: 'frozen', service: freeze.name, ...told(freeze) })),
      ...holds.all
        .filter(({ until }) => until > holds.now)
        .map(({ name: service, by, why, until }): Notice => ({ kind: 'hold', service, by, why, until })),
    ],
  };
}

function openBreaker(stateDir: string, desired: Desired, now: number): Decided['breaker'] {
  const breaker = breakerAt(readBreaker(stateDir), budgetsOf(desired).cooldown, now);
  return breaker.kind === 'open' ? { until: breaker.until, why: breaker.why } : undefined;
}

function told({
  by,
  why,
  until,
}: Freeze): Omit<Extract<Held['reason'], { readonly kind: 'frozen' }>, 'kind' | 'waits' | 'name'> {
  return { by, why, ...(until === undefined ? {} : { until }) };
}
