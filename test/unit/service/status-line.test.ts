import { expect, it } from 'vitest';
import type { Level } from '../../../src/model.ts';
import { statusLine } from '../../../src/service/status-line.ts';

const service = (name: string, state = 'RUNNING', level: Level | null = null) => ({ name, state, level });

it.each([
  [[service('web'), service('api')], { revision: 'abc', invalid: false }, 'abc: 2 of 2 running'],
  [[], { revision: undefined, invalid: true }, '0 of 0 running; the desired state is invalid'],
  [
    [
      service('a', 'FATAL'),
      service('b', 'HELD'),
      service('c', 'RUNNING', 'CRITICAL'),
      service('d', 'BACKOFF'),
      service('e', 'RUNNING', 'HEALTHY'),
    ],
    { revision: 'abc', invalid: false },
    'abc: 2 of 5 running; a FATAL, b HELD, c CRITICAL and 1 more',
  ],
])('of %j is %j -> %s', (services, about, expected) => {
  expect(statusLine(services, about)).toBe(expected);
});
