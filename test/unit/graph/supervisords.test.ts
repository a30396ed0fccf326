import { expect, it } from 'vitest';
import { mayBeSupervisord } from '../../../src/graph/supervisords.ts';

it.each([
  ['supervisord', true],
  ['python3.13', true],
  ['pypy3', true],
  // As Nix wraps it, cut to what the kernel keeps.
  ['.supervisord-wr', true],
  ['ld-linux-x86-64', true],
  // The first process of a container, whose name is not read.
  [undefined, true],
  ['sleep', false],
  ['sh', false],
  ['java', false],
])('of a process called %s it is worth asking for its arguments: %s', (comm, may) => {
  expect(mayBeSupervisord({ comm })).toBe(may);
});
