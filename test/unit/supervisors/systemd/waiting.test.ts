import { expect, it } from 'vitest';
import { settingsOf } from '../../../../src/supervisors/shared/settings.ts';
import type { Manager, ManagerEvent, UnitProperties } from '../../../../src/supervisors/systemd/manager.ts';
import { Waiting } from '../../../../src/supervisors/systemd/waiting.ts';

const settings = settingsOf('web', { command: ['x'], 'start.retries': 2, 'start.ready': 1000 }, '/var/log');

/** What systemd says of a unit that ends again and again, one after another, and what was asked of it. */
async function waited(...told: readonly (readonly [sub: string, restarts: number, job: boolean])[]) {
  let next = 0;
  let seen = 0;
  let wake: (event: ManagerEvent) => void = () => undefined;
  const now = () => {
    const [sub, restarts, job] = told[Math.min(next, told.length - 1)] ?? ['', 0, false];
    return { sub, restarts, job, active: 'activating' };
  };
  const stopped: string[] = [];
  const manager = {
    watch: (hear: typeof wake) => {
      wake = hear;
      return { [Symbol.dispose]: () => undefined };
    },
    property: async (_: string, name: string) => ({ ActiveState: 'activating', SubState: now().sub })[name] ?? 0,
    unit: async (unit: string) => {
      const { restarts, ...rest } = now();
      seen = next + 1;
      next += 1;
      setImmediate(() => wake({ kind: 'unit-changed', unit } as ManagerEvent));
      return {
        load: 'loaded',
        ...rest,
        service: { restarts, exit: { kind: 'code', code: 3 }, result: 'exit-code' },
      } as unknown as UnitProperties;
    },
    stop: async (unit: string) => void stopped.push(unit),
  } as unknown as Manager;
  using waiting = new Waiting(manager);
  const ready = await waiting.ready('web.service', 'failed', settings, AbortSignal.timeout(5000));
  return { kind: ready.kind, seen, stopped };
}

it('gives up once the last try has ended, not while it is only to come', async () => {
  const ends = [
    ['auto-restart', 0, false],
    ['auto-restart', 1, true],
    ['start', 1, false],
    ['auto-restart', 1, false],
    // Counted, but not begun.
    ['auto-restart', 2, true],
    ['auto-restart-queued', 2, false],
    ['start', 2, false],
    ['auto-restart', 2, false],
  ] as const;
  expect(await waited(...ends)).toEqual({ kind: 'failed', seen: ends.length, stopped: ['web.service'] });
});

it('gives up where the end of the last try was not seen, but the next is to come', async () => {
  const ends = [
    ['auto-restart', 1, false],
    ['auto-restart', 3, true],
  ] as const;
  expect(await waited(...ends)).toEqual({ kind: 'failed', seen: 2, stopped: ['web.service'] });
});
