import fc from 'fast-check';
import { expect, it } from 'vitest';
import { closure, topological } from '../../src/order.ts';

const graph = (edges: Record<string, string[]>) => (id: string) => edges[id] ?? [];

it('puts each id behind what it is after, and else keeps the order given', () => {
  expect(topological(['a', 'b', 'c', 'd'], graph({ a: ['c'], c: ['d'] }))).toEqual(['b', 'd', 'c', 'a']);
  expect(topological(['b', 'a'], graph({}))).toEqual(['b', 'a']);
});

it('passes over what is not among the ids', () => {
  expect(topological(['a'], graph({ a: ['gone'] }))).toEqual(['a']);
});

it('names a cycle instead of looping', () => {
  expect(() => topological(['a', 'b', 'c'], graph({ a: ['b'], b: ['a'] }))).toThrow('cannot order: a cycle among a, b');
  expect(() => topological(['a'], graph({ a: ['a'] }))).toThrow('a cycle among a');
});

it('holds for any graph without a cycle, however large', () => {
  const edges = fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 200 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const ids = Array.from({ length: 61 }, (_, i) => String(i));
      const after = (id: string) => pairs.filter(([a, b]) => a > b && String(a) === id).map(([, b]) => String(b));
      const order = topological(ids, after);
      expect([...order].sort()).toEqual([...ids].sort());
      for (const id of ids)
        for (const before of after(id)) expect(order.indexOf(before)).toBeLessThan(order.indexOf(id));
    }),
  );
  const chain = Array.from({ length: 20_000 }, (_, i) => String(i));
  expect(topological(chain, (id) => [String(Number(id) + 1)])[0]).toBe('19999');
});

it('reaches all that can be reached, and itself only by a way back', () => {
  expect([...closure(['a'], graph({ a: ['b'], b: ['c'] }))].sort()).toEqual(['b', 'c']);
  expect([...closure(['a'], graph({ a: ['b'], b: ['a'] }))].sort()).toEqual(['a', 'b']);
});
