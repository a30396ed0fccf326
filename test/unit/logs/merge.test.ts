import { expect, it } from 'vitest';
import type { Line } from '../../../src/logs/line.ts';
import { merge } from '../../../src/logs/merge.ts';

/** Lines as `TIME TEXT`; without a time `- TEXT`. In chunks of two. */
function feed(id: string, written: number, ...texts: readonly string[]) {
  const lines = texts.map((text): Line => {
    const [time] = text.split(' ');
    return { text, at: time === '-' ? undefined : Number(time) };
  });
  let at = 0;
  return {
    source: { id, stream: 'both', name: id } as const,
    written,
    next: () => {
      at += 2;
      return at - 2 < lines.length ? lines.slice(at - 2, at) : undefined;
    },
  };
}

async function merged(...feeds: readonly ReturnType<typeof feed>[]): Promise<string[]> {
  const found: string[] = [];
  await merge(feeds, ({ id }, lines) => {
    found.push(...lines.map(({ text }) => `${id} ${text}`));
    return undefined;
  });
  return found;
}

it('merges by time, and keeps the order of each', async () => {
  expect(await merged(feed('a', 0, '1 x', '4 x', '5 x'), feed('b', 0, '2 y', '3 y', '9 y'))).toEqual([
    'a 1 x',
    'b 2 y',
    'b 3 y',
    'a 4 x',
    'a 5 x',
    'b 9 y',
  ]);
  // A clock that was set back.
  expect(await merged(feed('a', 0, '5 x', '1 x', '6 x'), feed('b', 0, '2 y', '7 y'))).toEqual([
    'b 2 y',
    'a 5 x',
    'a 1 x',
    'a 6 x',
    'b 7 y',
  ]);
});

it('leaves lines without a time with the one before them, and those at the begin with the first', async () => {
  expect(await merged(feed('a', 99, '- head', '2 x', '- trace', '- trace'), feed('b', 0, '1 y', '3 y'))).toEqual([
    'b 1 y',
    'a - head',
    'a 2 x',
    'a - trace',
    'a - trace',
    'b 3 y',
  ]);
});

it('puts what bears no time at all where it was last written', async () => {
  expect(await merged(feed('a', 2, '- p', '- q', '- r'), feed('b', 0, '1 y', '3 y'), feed('c', 0))).toEqual([
    'b 1 y',
    'a - p',
    'a - q',
    'a - r',
    'b 3 y',
  ]);
});
