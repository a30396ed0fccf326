import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../../src/cli/style.ts';
import { type WhoRestarts, whoRestartsJson, whoRestartsText } from '../../../src/cli/views/who-restarts.ts';

const VALUE: WhoRestarts = {
  name: 'web',
  for: 10_000,
  blind: 8,
  watched: [
    { subject: 'web', restarts: 0 },
    { subject: 'web.service', pid: 812, restarts: 5, cadence: 'every 2.0 s' },
  ],
  findings: [
    {
      subject: 'web.service',
      kind: 'restarted',
      times: [1, 2001, 4001, 6001, 8001],
      cadence: { every: 2000, least: 2000, most: 2000, words: 'every 2.0 s' },
      certainty: 'seen',
      by: {
        pid: 4711,
        start: 99,
        command: 'python3 guard.py',
        user: 'root',
        words: 'started by hand by root',
        started: 'hand',
      },
      runs: 'systemctl restart web.service',
      evidence:
        'pid 4711 `python3 guard.py` started by hand by root runs `systemctl restart web.service`: it was running each of the 5 times when the old process ended',
    },
    { subject: 'web.service', kind: 'ended', times: [9000], certainty: 'unknown', evidence: 'nobody \u001b[2J knows' },
  ],
};

describe('who restarts a service', () => {
  it('is told for people', () => {
    expect(whoRestartsText(VALUE, { style: PLAIN })).toBe(
      `nothing restarted web in 10s; it has no process now
web.service got a new process 5 times in 10s, every 2.0 s; it is pid 812 now
  seen: restarted 5 times, every 2.0 s, by pid 4711 \`python3 guard.py\` started by hand by root
    pid 4711 \`python3 guard.py\` started by hand by root runs \`systemctl restart web.service\`: it was running each of the 5 times when the old process ended
  unknown: ended once, by whom is unknown
    nobody \ufffd[2J knows
`,
    );
  });

  it('is the same for programs', () => {
    expect(whoRestartsJson(VALUE)).toEqual({
      name: 'web',
      for: 10_000,
      blind: 8,
      watched: [
        { subject: 'web', pid: null, restarts: 0, cadence: null },
        { subject: 'web.service', pid: 812, restarts: 5, cadence: 'every 2.0 s' },
      ],
      findings: [
        {
          subject: 'web.service',
          kind: 'restarted',
          times: [1, 2001, 4001, 6001, 8001],
          cadence: { every: 2000, least: 2000, most: 2000 },
          certainty: 'seen',
          by: { pid: 4711, start: 99, command: 'python3 guard.py', user: 'root', started: 'hand' },
          pids: null,
          runs: 'systemctl restart web.service',
          evidence: VALUE.findings[0]?.evidence,
        },
        {
          subject: 'web.service',
          kind: 'ended',
          times: [9000],
          cadence: null,
          certainty: 'unknown',
          by: null,
          pids: null,
          runs: null,
          evidence: 'nobody \u001b[2J knows',
        },
      ],
    });
  });
});
