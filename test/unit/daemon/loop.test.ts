import { expect, test } from 'vitest';
import { createLoop } from '../../../src/daemon/loop.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('nudges while one run goes on are one run more', async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let runs = 0;
  const loop = createLoop(async () => {
    runs += 1;
    await gates[runs - 1]?.promise;
  });
  loop.nudge();
  await settle();
  for (let i = 0; i < 5; i += 1) loop.nudge();
  expect(runs).toBe(1);
  gates[0]?.resolve();
  await settle();
  expect(runs).toBe(2);
  gates[1]?.resolve();
  await settle();
  expect(runs).toBe(2);
  await loop.close();
});

test('tasks and nudged runs never overlap', async () => {
  let at = 0;
  let most = 0;
  const work = async () => {
    at += 1;
    most = Math.max(most, at);
    await settle();
    at -= 1;
  };
  const loop = createLoop(work);
  loop.nudge();
  const tasks = [loop.run(work), loop.run(work)];
  loop.nudge();
  await Promise.all(tasks);
  await loop.close();
  expect(most).toBe(1);
});

test('a task that fails fails for who asked, and the next goes on', async () => {
  const loop = createLoop(async () => {});
  await expect(loop.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(loop.run(async () => 7)).resolves.toBe(7);
});

test('after close nothing more is begun', async () => {
  let runs = 0;
  const loop = createLoop(async () => {
    runs += 1;
  });
  await loop.close();
  loop.nudge();
  await expect(loop.run(async () => 1)).rejects.toThrow('stopping');
  expect(runs).toBe(0);
});

test('a run is told what it is for: a few of its causes, each once', async () => {
  const told: (readonly string[])[] = [];
  const loop = createLoop(async (causes) => {
    told.push(causes);
    await settle();
  });
  loop.nudge('files changed');
  await settle();
  for (const cause of ['b', 'a', 'b', undefined, 'c', 'd', 'e', 'f']) loop.nudge(cause);
  await settle();
  await settle();
  loop.nudge();
  await loop.close();
  expect(told).toEqual([['files changed'], ['b', 'a', 'c', 'd', 'e']]);
});
