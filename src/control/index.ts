import type { Desired, Held, Notice } from '../model.ts';
import type { Control, Stay, Subject } from '../planner/control.ts';
import { readApplied } from './applied.ts';
import { type Approval, readApprovals } from './approvals.ts';
import { type Freeze, freezeOf, readFreezes } from './freeze.ts';
import type { Windows } from './windows.ts';

/** All that says who may be changed now, beside Git and the host. */
export interface Decided {
  readonly freezes: readonly Freeze[];
  readonly approvals: readonly Approval[];
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
    approvals: readApprovals(stateDir),
    windows: windows === undefined ? undefined : (await import('./windows.ts')).openWindows(windows, now),
    applied: readApplied(stateDir),
  };
}

/** Whose changes have to wait; undefined where nobody's ever do. */
export function controlOf({ policy, services, quarantined }: Desired, decided: Decided): Control | undefined {
  const { freezes, windows, override = false } = decided;
  const observes = policy.written.mode === 'observe';
  const own = services.some(({ written }) => written.mode === 'observe' || written.confirm === true);
  if (freezes.length === 0 && windows === undefined && !observes && !own) return undefined;
  const stay = (service: Subject): Stay | undefined => {
    if ((service.written?.mode ?? policy.written.mode) === 'observe') return { kind: 'observed' };
    if (override) return undefined;
    const freeze = freezeOf(freezes, service);
    if (freeze !== undefined) return { kind: 'frozen', name: freeze.name, ...told(freeze) };
    const shut = windows?.shut(service);
    return shut === undefined ? undefined : { kind: 'window', ...shut };
  };
  return {
    stay,
    preview: decided.preview === true,
    approved: new Map(decided.approvals.map(({ service, work }) => [service, work])),
    // What did not stay well goes back at any time.
    exempt: new Set(quarantined?.keys()),
    applied: decided.applied ?? new Map(),
    notices: freezes.map((freeze): Notice => ({ kind: 'frozen', service: freeze.name, ...told(freeze) })),
  };
}

function told({
  by,
  why,
  until,
}: Freeze): Omit<Extract<Held['reason'], { readonly kind: 'frozen' }>, 'kind' | 'waits' | 'name'> {
  return { by, why, ...(until === undefined ? {} : { until }) };
}
