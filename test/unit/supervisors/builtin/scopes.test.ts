import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../../src/problem.ts';
import type { ScopeMaker } from '../../../../src/supervisors/builtin/scope-maker.ts';
import { scopeName } from '../../../../src/supervisors/builtin/scope-name.ts';
import { createScopes, isService } from '../../../../src/supervisors/builtin/scopes.ts';
import { BusError } from '../../../../src/supervisors/shared/bus-error.ts';
import { settingsOf } from '../../../../src/supervisors/shared/settings.ts';

const SETTINGS = settingsOf('web', { command: ['x'], 'stop.signal': 'INT', 'stop.timeout': 3000 }, '/log');
const never = () => new Promise<never>(() => undefined);

function rig(make: ScopeMaker['make'] = async () => undefined) {
  const told: Problem[] = [];
  const made: unknown[] = [];
  const state = { alive: true, opened: 0, fails: undefined as Error | undefined, closed: 0 };
  const open = async (): Promise<ScopeMaker> => {
    state.opened += 1;
    if (state.fails !== undefined) throw state.fails;
    state.alive = true;
    return {
      openFiles: 4096,
      alive: () => state.alive,
      make: async (...args) => {
        made.push(args);
        await make(...args);
      },
      close: () => {
        state.closed += 1;
      },
    };
  };
  const scopes = createScopes(open, (problem) => told.push(problem));
  return { scopes, told, made, state, place: () => scopes.for('web', SETTINGS)(process.pid) };
}

describe('the scope of a service', () => {
  it('has its name, whatever is in it, and the pid of its start where the name is taken', () => {
    expect(scopeName('web')).toBe('reconciled-web.scope');
    expect(scopeName('a-b_c.d')).toBe('reconciled-a-b_c.d.scope');
    expect(scopeName('api@2')).toBe('reconciled-api:2.scope');
    expect(scopeName('api@2', 77)).toBe('reconciled-api:2:pid77.scope');
    expect(scopeName('ü')).toBe('reconciled-\\xc3\\xbc.scope');
  });

  it('is asked for with what ends the service, and tells the limit that services have', async () => {
    const { place, made, told } = rig();
    expect(await place()).toEqual({ openFiles: 4096 });
    expect(made).toEqual([['web', process.pid, { signal: 2, timeout: 3000 }]]);
    expect(told).toEqual([]);
  });

  it('is done without where systemd refuses or can’t be reached: told once, not asked again for a while', async () => {
    const { place, state, told } = rig();
    state.fails = new Error('no such file or directory');
    expect(await Promise.all([place(), place()])).toEqual([{}, {}]);
    expect(await place()).toEqual({});
    expect(state.opened).toBe(1);
    expect(told.map(({ summary }) => summary)).toEqual([
      'cannot give services control groups of their own: no such file or directory',
    ]);
  });

  it('that systemd refuses to one is still asked for others', async () => {
    const { place, made, told } = rig(async (_, pid) => {
      if (made.length === 1) throw new BusError({ kind: 'answered', name: 'x.No', message: `not ${pid}` });
    });
    expect(await place()).toEqual({});
    expect(await place()).toEqual({ openFiles: 4096 });
    expect(told).toHaveLength(1);
  });

  it('is waited for no longer than two seconds in which nothing is answered at all', async () => {
    const hanging = rig(never);
    const began = performance.now();
    expect(await hanging.place()).toEqual({});
    expect(performance.now() - began).toBeGreaterThan(1900);
    expect(hanging.told[0]?.summary).toContain('systemd did not answer within 2s');

    // As long as others are answered, it is a queue.
    let left = 0;
    const slow = rig(async () => {
      left += 1;
      await sleep(left * 900);
    });
    const all = await Promise.all(Array.from({ length: 4 }, () => slow.place()));
    expect(all.every(({ openFiles }) => openFiles === 4096)).toBe(true);
    expect(slow.told).toEqual([]);
  });

  it('is asked for over a new connection where the bus was restarted', async () => {
    const { place, state } = rig();
    await place();
    state.alive = false;
    expect(await Promise.all([place(), place()])).toEqual([{ openFiles: 4096 }, { openFiles: 4096 }]);
    expect(state.opened).toBe(2);
  });

  it('of a process that has ended at once is missed by nobody', async () => {
    const { scopes, told } = rig(async () => {
      throw new Error('no such process');
    });
    expect(await scopes.for('web', SETTINGS)(4_000_000)).toEqual({});
    expect(told).toEqual([]);
  });
});

describe('a process', () => {
  it.each([
    ['0::/system.slice/reconciled.service', true],
    ['9:name=systemd:/system.slice/x.service\n4:memory:/\n0::/', true],
    ['0::/user.slice/user-0.slice/session-3.scope', false],
    ['0::/system.slice/docker-1234.scope', false],
    ['0::/', false],
    ['', false],
  ])('in %j is one of a service: %s', (groups, expected) => {
    expect(isService(groups)).toBe(expected);
  });
});
