import type { lookup as resolve } from 'node:dns';
import { expect, it } from 'vitest';
import { createLookup } from '../../../../src/health/probes/lookup.ts';

type Answer = (error: Error | null, address: string, family?: number) => void;

/** Name servers that answer when they are told to. */
function slow() {
  const asked: { readonly host: string; readonly answer: Answer }[] = [];
  const ask = ((host: string, _: object, answer: Answer) => asked.push({ host, answer })) as unknown as typeof resolve;
  return { asked, lookup: createLookup(ask) };
}

it('asks for a name once at a time, and tells all who wait', () => {
  const { asked, lookup } = slow();
  const told: unknown[] = [];
  for (let i = 0; i < 3; i += 1) lookup('a', {}, (_, address) => told.push(address));
  expect(asked).toHaveLength(1);
  asked[0]?.answer(null, '127.0.0.1', 4);
  expect(told).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  lookup('a', {}, () => {});
  expect(asked).toHaveLength(2);
});

it('asks for two names at a time, the others in their turn', () => {
  const { asked, lookup } = slow();
  for (const host of ['a', 'b', 'c', 'd']) lookup(host, {}, () => {});
  expect(asked.map(({ host }) => host)).toEqual(['a', 'b']);
  asked[1]?.answer(null, '127.0.0.1');
  expect(asked.map(({ host }) => host)).toEqual(['a', 'b', 'c']);
  asked[2]?.answer(new Error('none'), '');
  expect(asked.map(({ host }) => host)).toEqual(['a', 'b', 'c', 'd']);
});

it('does not let ever more wait for what nobody answers', async () => {
  const { lookup } = slow();
  const codes: unknown[] = [];
  for (let i = 0; i < 100; i += 1) lookup('a', {}, (error) => codes.push((error as NodeJS.ErrnoException)?.code));
  await new Promise((resolve) => setImmediate(resolve));
  expect(codes).toEqual(Array.from({ length: 84 }, () => 'EAI_AGAIN'));
});
