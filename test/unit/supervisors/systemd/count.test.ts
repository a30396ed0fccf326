import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import type { Verdict } from '../../../../src/restarts/account.ts';
import { settingsOf } from '../../../../src/supervisors/shared/settings.ts';
import { Count } from '../../../../src/supervisors/systemd/count.ts';
import type { Manager } from '../../../../src/supervisors/systemd/manager.ts';

const settings = settingsOf('web', { command: ['x'] }, '/var/log');
let unit: { MainPID: number; NRestarts: number; SubState: string };
let noted: string[];
let told: string[];
let verdict: Verdict;
let count: Count;
let ended: () => Promise<void>;
beforeEach(() => {
  unit = { MainPID: 10, NRestarts: 3, SubState: 'running' };
  noted = [];
  told = [];
  ended = async () => undefined;
  verdict = { kind: 'granted', wait: 0 };
  const manager = { property: async (_: string, name: keyof typeof unit) => unit[name] } as unknown as Manager;
  count = new Count({
    manager: async () => manager,
    restarts: {
      note: (_, cause) => {
        noted.push(cause);
        return verdict;
      },
      standing: () => ({ kind: 'closed' }),
    },
    tooOften: (_, why) => told.push(why),
    again: (_, __, pid) => told.push(`again ${pid}`),
    ended: async () => {
      told.push('ended');
      await ended();
    },
  });
});

/** A reading, and what was looked at for it. */
const read = async (...between: readonly string[]) => {
  const running =
    unit.SubState === 'running' ? [['web', { unit: 'web.service', settings, pid: unit.MainPID }] as const] : [];
  count.follow(new Map(running), new Set(between));
  await sleep(50);
};
const heard = async (now: Partial<typeof unit>) => {
  Object.assign(unit, now);
  count.heard('web.service');
  await sleep(50);
};

it('counts what systemd restarts by itself from when it is first seen, and by its own count', async () => {
  await read();
  expect(noted).toEqual([]);
  await heard({ MainPID: 11, NRestarts: 4 });
  await heard({ MainPID: 13, NRestarts: 6 });
  expect(noted).toEqual(['supervisor', 'supervisor', 'supervisor']);
  expect(told).toEqual(['again 11', 'again 13']);
});

it('counts another process without another restart of systemd as somebody’s', async () => {
  await read();
  await heard({ MainPID: 11, NRestarts: 0 });
  expect(noted).toEqual(['foreign']);
});

it('goes on counting where it is read between two processes', async () => {
  await read();
  await heard({ MainPID: 0, SubState: 'auto-restart' });
  await read('web');
  await heard({ MainPID: 11, NRestarts: 4, SubState: 'running' });
  expect(noted).toEqual(['supervisor']);
  expect(told).toEqual(['ended', 'again 11']);
});

it('counts one restart once, however its parts are told', async () => {
  await read();
  await heard({ MainPID: 0, NRestarts: 4, SubState: 'dead' });
  await heard({ MainPID: 11, SubState: 'running' });
  expect(noted).toEqual(['supervisor']);
  expect(told).toEqual(['again 11']);
  // While it is thought about what has ended, the next one begins.
  ended = () => sleep(120);
  await heard({ MainPID: 0, NRestarts: 5, SubState: 'auto-restart-queued' });
  await heard({ MainPID: 12, SubState: 'running' });
  await sleep(150);
  expect(noted).toEqual(['supervisor', 'supervisor']);
  expect(told).toEqual(['again 11', 'ended', 'again 12']);
  await heard({ MainPID: 13 });
  expect(noted).toEqual(['supervisor', 'supervisor', 'foreign']);
});

it('loses no restart where systemd can not be asked about the end before it', async () => {
  await read();
  ended = () => Promise.reject(new Error('no answer'));
  await heard({ MainPID: 0, NRestarts: 4, SubState: 'auto-restart' });
  await heard({ MainPID: 11, SubState: 'running' });
  expect(noted).toEqual(['supervisor']);
});

it('goes on counting where it is read as stopped in the moment between two processes', async () => {
  await read();
  unit = { MainPID: 0, NRestarts: 4, SubState: 'dead' };
  await read();
  unit = { MainPID: 11, NRestarts: 4, SubState: 'running' };
  await read();
  expect(noted).toEqual(['supervisor']);
  // What was stopped by somebody and started again is a new beginning.
  unit = { MainPID: 0, NRestarts: 4, SubState: 'dead' };
  await read();
  unit = { MainPID: 12, NRestarts: 0, SubState: 'running' };
  await read();
  expect(noted).toEqual(['supervisor']);
});

it('has what was restarted too often held, but not what a person restarts nor for the whole host', async () => {
  await read();
  verdict = { kind: 'refused', scope: 'host', until: 0, why: 'the host' };
  await heard({ MainPID: 11, NRestarts: 4 });
  verdict = { kind: 'refused', scope: 'group', until: 0, why: 'the group' };
  await heard({ MainPID: 12, NRestarts: 0 });
  await heard({ MainPID: 13, NRestarts: 1 });
  expect(noted).toEqual(['supervisor', 'foreign', 'supervisor']);
  expect(told).toEqual(['again 11', 'again 12', 'the group']);
});

it('counts nothing of what a step of ours does, and all that happens after a trial began', async () => {
  await read();
  count.begin('web');
  await heard({ MainPID: 11, NRestarts: 0 });
  count.end('web');
  await heard({ MainPID: 12 });
  expect(noted).toEqual([]);
  Object.assign(unit, { MainPID: 20, NRestarts: 1 });
  count.began('web', 'web.service', settings, 0);
  await sleep(50);
  expect(noted).toEqual(['supervisor']);
});
