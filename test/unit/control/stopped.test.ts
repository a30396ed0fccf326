import { describe, expect, it } from 'vitest';
import { type AllStopped, stillStopped } from '../../../src/control/stopped.ts';
import type { Actual, Observed, Run } from '../../../src/model.ts';
import { digestOf } from '../../../src/verify/digest.ts';
import { service } from '../verify/declare.ts';

const web = service('web');
const all: AllStopped = { web: { probe: 'api', why: 'status 503', at: 1, pid: 7, digest: digestOf(web) } };

function observed(run: Run): Observed {
  const actual: Actual = {
    kind: 'actual',
    id: 'web',
    owner: { kind: 'ours' },
    definition: { hash: 'x', fields: {} },
    run,
    restarts: 0,
  };
  return new Map([['builtin', { kind: 'read', objects: [actual] }]]);
}

const running = (pid: number) => observed({ kind: 'running', pid, since: 0, definition: 'current' });
const down = observed({ kind: 'stopped', started: true });

describe('what was stopped for its probe', () => {
  it('stays so, while it is about to be and when it is', () => {
    expect(stillStopped(all, [web], running(7), new Set())).toEqual(all);
    expect(stillStopped(all, [web], down, new Set())).toEqual(all);
    expect(stillStopped(all, [web], new Map(), new Set())).toEqual(all);
  });

  it('does not once a person started it, asks for it, or Git says something else', () => {
    expect(stillStopped(all, [web], running(8), new Set())).toEqual({});
    expect(stillStopped(all, [web], down, new Set(['web']))).toEqual({});
    expect(stillStopped(all, [service('web', { umask: '027' })], down, new Set())).toEqual({});
    expect(stillStopped(all, [], down, new Set())).toEqual({});
  });
});
