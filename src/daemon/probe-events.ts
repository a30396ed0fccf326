import type { Monitor } from '../health/health.ts';
import { roughly } from '../units.ts';

/** A probe begins to fail, or passes again. */
export interface ProbeEvent {
  readonly kind: 'probe';
  readonly service: string;
  readonly probe: string;
  readonly about: 'self' | 'dependency';
  readonly verdict: 'failing' | 'passing';
  /** Why it fails. */
  readonly why?: string;
  /** How long it failed (ms), restarts of its service in between or not. */
  readonly after?: number;
}

/** `web: probe api fails: status 503`, `web: probe api passes again after 3m` */
export function probeText({ service, probe, why = '', after = 0, verdict }: ProbeEvent): string {
  return `${service}: probe ${probe} ${verdict === 'failing' ? `fails: ${why}` : `passes again after ${roughly(after)}`}`;
}

/**
 * Tells each probe's failing once, and its end. What is restarted meanwhile is unknown for a while, which is neither: a service
 * that is restarted again and again for one failure has failed once.
 */
export function tellProbes({ onProbe }: Pick<Monitor, 'onProbe'>, tell: (event: ProbeEvent) => void): void {
  /** Since when they fail, by service and probe. */
  const failing = new Map<string, number>();
  onProbe((service, { probe: { name, about }, verdict, since }) => {
    const key = `${service} ${name}`;
    const from = failing.get(key);
    const what = { kind: 'probe', service, probe: name, about } as const;
    if (verdict.kind === 'failing' && from === undefined) {
      failing.set(key, since);
      tell({ ...what, verdict: 'failing', why: verdict.why });
    } else if (verdict.kind === 'passing' && from !== undefined) {
      failing.delete(key);
      tell({ ...what, verdict: 'passing', after: Math.max(0, since - from) });
    }
  });
}
