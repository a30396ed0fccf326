import { expect, it } from 'vitest';
import { probesOf } from '../../../src/health/parse.ts';

it('fills every default', () => {
  expect(probesOf([{ name: 'api', http: { url: 'http://127.0.0.1:1/' } }])).toEqual([
    {
      name: 'api',
      target: { kind: 'http', url: 'http://127.0.0.1:1/' },
      every: 10_000,
      timeout: 3000,
      failures: { count: 3, of: 3 },
      successes: 1,
      startup: false,
      kind: 'both',
      about: 'self',
      level: 'critical',
      onFailure: 'none',
    },
  ]);
  const [dependency] = probesOf([{ name: 'ng6', tcp: { address: 'h:1' }, about: 'dependency' }]);
  expect(dependency).toMatchObject({ about: 'dependency', level: 'degraded' });
  expect(probesOf(undefined)).toEqual([]);
});

it('takes what is written', () => {
  const written = { every: 500, timeout: 200, successes: 2, startup: true, kind: 'liveness', level: 'dead' };
  const more = { about: 'dependency', onFailure: 'alert' };
  const http = {
    url: 'https://h/',
    status: 204,
    headers: { A: 'b' },
    body: 'ok',
    json: { path: '$.a' },
    insecure: true,
  };
  const [one, other] = probesOf([
    { name: 'a', http, ...written, ...more, failures: { count: 3, of: 5 } },
    { name: 'b', exec: { command: ['true', 'x'] }, failures: 1 },
  ]);
  expect(one).toEqual({
    ...{ name: 'a', target: { kind: 'http', ...http }, failures: { count: 3, of: 5 } },
    ...written,
    ...more,
  });
  expect(other?.target).toEqual({ kind: 'exec', command: ['true', 'x'] });
  expect(other?.failures).toEqual({ count: 1, of: 1 });
});

it('reads files, progress and processes', () => {
  const file = { path: 'heartbeat', changedWithin: 60_000 };
  const progress = { file: { path: 'log' }, regex: '(\\d+)', within: 5000 };
  const process = { memory: 500, openFiles: 10 };
  expect(
    probesOf([
      { name: 'a', file },
      { name: 'b', progress },
      { name: 'c', process },
    ]).map(({ target }) => target),
  ).toEqual([
    { kind: 'file', ...file },
    { kind: 'progress', from: { kind: 'file', path: 'log' }, regex: '(\\d+)', within: 5000 },
    { kind: 'process', ...process },
  ]);
});

it.each([
  ['127.0.0.1:5701', '127.0.0.1', 5701],
  ['[::1]:80', '::1', 80],
  ['db.example.com:5432', 'db.example.com', 5432],
])('reads the address %s', (address, host, port) => {
  expect(probesOf([{ name: 'a', tcp: { address } }])[0]?.target).toEqual({ kind: 'tcp', host, port });
});

it('keeps times to what a timer can do, and never makes a busy loop', () => {
  const tcp = { address: 'h:1' };
  expect(probesOf([{ name: 'a', tcp, every: 0, timeout: 0 }])[0]).toMatchObject({ every: 100, timeout: 100 });
  expect(probesOf([{ name: 'a', tcp, every: 1e15, timeout: 1e15 }])[0]).toMatchObject({
    every: 2 ** 31 - 1,
    timeout: 2 ** 31 - 1,
  });
});
