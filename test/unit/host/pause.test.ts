import { expect, it } from 'vitest';
import { createPause, eachInPieces } from '../../../src/host/pause.ts';

const busy = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

it('lets others have a turn after a long piece, and costs none after a short one', async () => {
  const pause = createPause();
  expect(pause()).toBeUndefined();
  busy(6);
  let had = false;
  setImmediate(() => {
    had = true;
  });
  await pause();
  expect(had).toBe(true);
  expect(pause()).toBeUndefined();
});

it('gives what becomes of each in its place, whenever it does', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const act = async (n: number) => {
    busy(3);
    if (n === 0) await promise;
    if (n === 3) resolve();
    return n * 2;
  };
  expect(await eachInPieces([0, 1, 2, 3], createPause(), act)).toEqual([0, 2, 4, 6]);
});

it('fails as soon as all have begun and one has failed, and leaves no failure unheard', async () => {
  const act = async (n: number) => {
    busy(6);
    if (n === 1) throw new Error('no');
    return n;
  };
  await expect(eachInPieces([0, 1, 2], createPause(), act)).rejects.toThrow('no');
});
