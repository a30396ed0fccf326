import { expect, it } from 'vitest';
import { probesOf } from '../../../src/health/parse.ts';

it('fills every default', () => {
  expect(probesOf([{ name: 'api', http: { url: 'http://127.0.0.1:1/' } }])).toEqual([
    {
      name: 'api',
      target: { kind: 'http', url: 'http://127.0.0.1:1/' },
      every: 10_000,
      timeout: 3000,
      failures: 3,
      about: 'self',
    },
  ]);
  expect(probesOf(undefined)).toEqual([]);
});

it('takes what is written', () => {
  const written = { every: 500, timeout: 200, failures: 1, about: 'dependency' };
  const [http, exec] = probesOf([
    { name: 'a', http: { url: 'https://h/', status: 204 }, ...written },
    { name: 'b', exec: { command: ['true', 'x'] }, onFailure: 'none' },
  ]);
  expect(http).toEqual({ name: 'a', target: { kind: 'http', url: 'https://h/', status: 204 }, ...written });
  expect(exec?.target).toEqual({ kind: 'exec', command: ['true', 'x'] });
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
