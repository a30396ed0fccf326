import { expect, it } from 'vitest';
import { type ProbeEvent, probeText, tellProbes } from '../../../src/daemon/probe-events.ts';
import type { Monitor, ProbeState, ProbeVerdict } from '../../../src/health/health.ts';
import { probesOf } from '../../../src/health/parse.ts';

const [probe] = probesOf([{ name: 'api', tcp: { address: '127.0.0.1:1' } }]);
const unknown: ProbeVerdict = { kind: 'unknown' };
const passing: ProbeVerdict = { kind: 'passing' };
const failing: ProbeVerdict = { kind: 'failing', why: 'status 503' };

function told(...verdicts: readonly [verdict: ProbeVerdict, since: number][]): string[] {
  const events: ProbeEvent[] = [];
  let change: Parameters<Monitor['onProbe']>[0] = () => {};
  tellProbes({ onProbe: (listener) => (change = listener) }, (event) => events.push(event));
  let before: ProbeState = { probe: probe as never, verdict: unknown, since: 0 };
  for (const [verdict, since] of verdicts) {
    const now = { ...before, verdict, since };
    change('web', now, before);
    before = now;
  }
  return events.map(probeText);
}

it('tells that a probe fails, and for how long it did', () => {
  expect(told([passing, 1000], [failing, 60_000], [passing, 240_000], [failing, 300_000])).toEqual([
    'web: probe api fails: status 503',
    'web: probe api passes again after 3m',
    'web: probe api fails: status 503',
  ]);
});

it('takes what fails through restarts as one failing', () => {
  const restart = (at: number) => [unknown, at] as [ProbeVerdict, number];
  expect(told([failing, 1000], restart(2000), [failing, 3000], restart(4000), [passing, 61_000])).toEqual([
    'web: probe api fails: status 503',
    'web: probe api passes again after 1m',
  ]);
});
