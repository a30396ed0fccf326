/** What several probes of one service come to. Pure. */
import type { HealthState } from '../model.ts';
import type { Counted } from './counting.ts';
import { isForReadiness, type Probe, type ProbeState } from './health.ts';

export interface Watched {
  readonly probe: Probe;
  counted: Counted;
  /** Since when its verdict is of its kind (ms since the epoch). */
  since: number;
}

export function stateIn({ probe, counted, since }: Watched): ProbeState {
  return { probe, verdict: counted.verdict, since };
}

/** Is its first pass waited for? Once it has failed, only while somebody does wait. */
export function isEager({ probe, counted }: Watched, isAwaited: boolean): boolean {
  const { verdict, passed } = counted;
  if (passed || verdict.kind === 'passing' || !(isForReadiness(probe) || probe.startup)) return false;
  return verdict.kind === 'unknown' || isAwaited;
}

/** Is there a startup probe that has not passed yet, other than this one? */
export function isSuspended(all: readonly Watched[], { probe }: Watched): boolean {
  return (
    !probe.startup &&
    all.some(({ probe: { startup }, counted }) => startup && !counted.passed && counted.verdict.kind !== 'passing')
  );
}

export function isReady(all: readonly Watched[]): boolean {
  return all.every(({ probe, counted }) => counted.verdict.kind === 'passing' || !isForReadiness(probe));
}

/** The worst first: what is wrong with the service itself, then that it is not ready, then what it depends on. */
export function stateOf(all: readonly Watched[]): HealthState {
  const ranks = [
    ({ about, kind }: Probe) => about === 'self' && kind !== 'readiness',
    ({ about }: Probe) => about === 'self',
    () => true,
  ];
  for (const belongs of ranks) {
    for (const { probe, counted } of all) {
      const { verdict } = counted;
      if (verdict.kind === 'failing' && belongs(probe))
        return { kind: 'unhealthy', probe: probe.name, why: verdict.why, about: probe.about };
    }
  }
  return { kind: all.some(({ counted }) => counted.verdict.kind === 'unknown') ? 'unknown' : 'healthy' };
}
