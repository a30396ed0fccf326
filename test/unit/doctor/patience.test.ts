import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { patience } from '../../../src/doctor/patience.ts';

it('is over after its time, and does not count time in which nothing could be done', async () => {
  let over = false;
  patience(200, () => {
    over = true;
  });
  const end = Date.now() + 400;
  while (Date.now() < end);
  await sleep(0);
  expect(over).toBe(false);
  await expect.poll(() => over).toBe(true);
});

it('is over for nobody who has ended it', async () => {
  let over = false;
  patience(20, () => {
    over = true;
  })();
  await sleep(60);
  expect(over).toBe(false);
});
