import { describe, expect, it } from 'vitest';
import { actOn } from '../../../src/health/act.ts';
import type { Probe, ProbeState } from '../../../src/health/health.ts';

const FREE = { cause: undefined, soaking: false };

function failing(name: string, more: Partial<Probe> = {}): ProbeState {
  const probe: Probe = {
    name,
    target: { kind: 'tcp', host: '127.0.0.1', port: 1 },
    every: 1000,
    timeout: 1000,
    failures: { count: 1, of: 1 },
    successes: 1,
    startup: false,
    kind: 'both',
    about: 'self',
    level: 'critical',
    onFailure: 'restart',
    ...more,
  };
  return { probe, verdict: { kind: 'failing', why: `${name} is down` }, since: 0 };
}

const passing = (state: ProbeState): ProbeState => ({ ...state, verdict: { kind: 'passing' } });

describe('a failing probe', () => {
  it('wants done what it says', () => {
    expect(actOn([failing('api')], FREE)).toEqual({ kind: 'act', deed: 'restart', probe: 'api', why: 'api is down' });
    expect(actOn([passing(failing('api'))], FREE)).toEqual({ kind: 'nothing' });
  });

  it('is no reason to act where it only tells, is about a dependency, or is readiness alone', () => {
    const idle = [
      failing('a', { onFailure: 'none' }),
      failing('b', { onFailure: 'alert' }),
      failing('c', { about: 'dependency' }),
      failing('d', { kind: 'readiness' }),
    ];
    expect(actOn(idle, FREE)).toEqual({ kind: 'nothing' });
  });

  it('is held against nobody while something else is down', () => {
    expect(actOn([failing('api')], { ...FREE, cause: { on: 'ng6' } })).toEqual({ kind: 'waits', on: 'ng6' });
  });

  it('is for verification to judge while a change of Git is being verified', () => {
    expect(actOn([failing('api')], { ...FREE, soaking: true })).toEqual({ kind: 'verified' });
  });

  it('that wants it stopped weighs more than one that wants it restarted', () => {
    const both = [failing('a'), failing('b', { onFailure: 'stop' }), failing('c', { onFailure: 'rollback' })];
    expect(actOn(both, FREE)).toMatchObject({ deed: 'stop', probe: 'b' });
  });
});
