import type { ProbeState } from '../../../src/health/health.ts';

export interface Given {
  readonly about?: 'self' | 'dependency';
  readonly level?: 'degraded' | 'critical' | 'dead';
  /** Why it fails; it passes without. */
  readonly failing?: string;
  readonly unknown?: boolean;
  readonly since?: number;
}

/** A probe as a monitor has it. */
export function state(
  name: string,
  { about = 'self', level, failing, unknown = false, since = 0 }: Given = {},
): ProbeState {
  return {
    probe: {
      name,
      target: { kind: 'tcp', host: '127.0.0.1', port: 1 },
      every: 10_000,
      timeout: 3000,
      failures: { count: 3, of: 3 },
      successes: 1,
      startup: false,
      kind: 'both',
      about,
      level: level ?? (about === 'self' ? 'critical' : 'degraded'),
      onFailure: 'none',
    },
    verdict: failing !== undefined ? { kind: 'failing', why: failing } : { kind: unknown ? 'unknown' : 'passing' },
    since,
  };
}
