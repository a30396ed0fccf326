import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Alert } from '../../../src/alerts/alert.ts';
import { createQueue, MOST, type QueueOptions, TRIES } from '../../../src/alerts/queue.ts';
import type { Sent } from '../../../src/alerts/send.ts';
import { until } from '../../rig/host.ts';
import { alertOf } from './make.ts';

const DONE: Sent = { kind: 'done', what: '200' };
const FAILED: Sent = { kind: 'failed', why: 'connection refused', again: true };

/** A queue to a target that answers as it is told, and what was said of it. */
function rig(answer: (alert: Alert, tries: number) => Sent | Promise<Sent>, more: Partial<QueueOptions> = {}) {
  const sent: Alert[] = [];
  const said: string[] = [];
  const queue = createQueue({
    send: async (alert) => {
      sent.push(alert);
      return answer(alert, sent.length);
    },
    onFailed: (why) => said.push(`failed: ${why}`),
    onWorks: (_, dropped) => said.push(`works, ${dropped} lost`),
    onChange: () => {},
    initial: 2,
    random: () => 0.5,
    ...more,
  });
  return { queue, sent, said, ids: () => sent.map(({ id }) => id) };
}

it('sends in order, one at a time', async () => {
  let busy = 0;
  let most = 0;
  const { queue, ids } = rig(async () => {
    busy += 1;
    most = Math.max(most, busy);
    await sleep(3);
    busy -= 1;
    return DONE;
  });
  const alerts = [alertOf(), alertOf(), alertOf()];
  queue.push(alerts.slice(0, 2));
  queue.push(alerts.slice(2));
  await until(() => queue.left().alerts.length === 0);
  expect(ids()).toEqual(alerts.map(({ id }) => id));
  expect(most).toBe(1);
});

it('tries again with growing waits, says once that it fails, and that it works again', async () => {
  const at: number[] = [];
  const { queue, said, ids } = rig((_, tries) => {
    at.push(performance.now());
    return tries <= 5 ? FAILED : DONE;
  });
  const [a, b] = [alertOf(), alertOf()];
  queue.push([a, b]);
  await until(() => queue.left().alerts.length === 0);
  expect(ids()).toEqual([...Array(6).fill(a.id), b.id]);
  expect(said).toEqual(['failed: connection refused', 'works, 0 lost']);
  const waits = at.slice(1, 6).map((time, i) => time - (at[i] ?? 0));
  // 2, 4, 8, 16, 32 ms
  expect(waits[4]).toBeGreaterThan(25);
  expect(queue.failing()).toBeUndefined();
});

it('gives one up that is refused for good, and tells how many with the next', async () => {
  const { queue, sent } = rig((_, tries) => (tries === 1 ? { kind: 'failed', why: 'status 400', again: false } : DONE));
  const [a, b] = [alertOf(), alertOf()];
  queue.push([a, b]);
  await until(() => queue.left().alerts.length === 0);
  expect(sent.map(({ id, dropped }) => [id, dropped])).toEqual([
    [a.id, undefined],
    [b.id, 1],
  ]);
});

it('gives one up after so many tries, and one that has become too old', async () => {
  const { queue, ids } = rig(() => FAILED, { initial: 0.001 });
  const a = alertOf();
  queue.push([a]);
  await until(() => queue.left().alerts.length === 0);
  expect(ids()).toHaveLength(TRIES);
  expect(queue.left().dropped).toBe(1);
  queue.push([alertOf({ at: Date.now() - 3_700_000 })]);
  await until(() => queue.left().alerts.length === 0);
  expect([ids().length, queue.left().dropped]).toEqual([TRIES + 1, 2]);
});

it('drops the oldest that is not critical when there is no more room, and counts them', async () => {
  const { queue } = rig(() => new Promise(() => {}));
  const grave = alertOf();
  queue.push([grave]);
  queue.push(Array.from({ length: MOST + 50 }, (_, i) => alertOf({ severity: 'warning', title: String(i) })));
  const { alerts, dropped } = queue.left();
  expect([alerts.length, dropped]).toEqual([MOST, 51]);
  expect(alerts[0]).toBe(grave);
  expect([alerts[1]?.title, alerts.at(-1)?.title]).toEqual(['51', String(MOST + 49)]);
  queue.push(Array.from({ length: MOST }, () => alertOf()));
  expect(queue.left().alerts).toHaveLength(MOST);
  expect(queue.left().alerts.every(({ severity }) => severity === 'critical')).toBe(true);
});

it('survives a sender that throws', async () => {
  const { queue, said } = rig((_, tries) => {
    if (tries === 1) throw new Error('a defect');
    return DONE;
  });
  queue.push([alertOf(), alertOf()]);
  await until(() => queue.left().alerts.length === 0);
  expect(said).toEqual(['failed: Error: a defect', 'works, 1 lost']);
});

it('tells what is left when it is closed, for no longer than it may, and keeps the rest', async () => {
  const { queue, ids } = rig((_, tries) => (tries <= 2 ? FAILED : DONE), { initial: 60_000 });
  const [a, b] = [alertOf(), alertOf()];
  queue.push([a, b]);
  await until(() => ids().length === 1);
  // It waits for a minute, and is tried at once; then nobody is there to wait.
  await queue.close(1000);
  expect(ids()).toEqual([a.id, a.id]);
  expect(queue.left().alerts).toEqual([a, b]);

  const slow = rig(() => sleep(60_000, DONE, { ref: false }));
  slow.queue.push([a]);
  const begun = performance.now();
  await Promise.race([slow.queue.close(100), sleep(5000)]);
  expect(performance.now() - begun).toBeLessThan(1000);
});

it('goes on with what another one has left', async () => {
  const [a, b] = [alertOf(), alertOf()];
  const { queue, sent } = rig(() => DONE, { start: { alerts: [a, b], dropped: 7 } });
  await until(() => queue.left().alerts.length === 0);
  expect(sent.map(({ id, dropped }) => [id, dropped])).toEqual([
    [a.id, 7],
    [b.id, undefined],
  ]);
});
