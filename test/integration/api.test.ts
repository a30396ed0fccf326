import { chmodSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { ROUTES } from '../../src/daemon/control.ts';
import { createHost, type Host } from '../rig/host.ts';

const docs = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const api = parse(docs('openapi.yaml')) as {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, unknown>> }>>>
  >;
};
// OpenAPI is no schema itself: what is in it is reached by its place.
const ajv = new Ajv2020.default({ strict: false, allErrors: true, formats: { 'date-time': true } });
ajv.addSchema(JSON.parse(docs('status.schema.json')) as object, 'status.schema.json');
ajv.addSchema(api, 'openapi.yaml');

/** The schema at a place of the file, which may be a reference itself. */
function at(...keys: readonly string[]): ValidateFunction {
  const pointer = keys.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B')).join('/');
  return ajv.compile({ $ref: `openapi.yaml#/${pointer}` });
}

function conforms(validate: ValidateFunction, value: unknown): void {
  validate(value);
  expect([validate.errors ?? [], value]).toEqual([[], value]);
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly allow: string | undefined;
  readonly text: string;
}

describe('the API of a daemon', () => {
  let host: Host;
  const sleeper = { supervisor: 'builtin', command: ['sleep', '600'], start: { ready: '0s' } };
  const listener = { ...sleeper, command: ['sh', '-c', 'trap : HUP; while :; do sleep 0.1; done'] };

  beforeAll(async () => {
    host = await createHost();
    host.write('web', { ...listener, reload: { signal: 'HUP' } });
    const daemon = await host.daemon();
    await daemon.saw('"event":"applied"');
  });
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
  });

  function ask(method: string, path: string, body?: string | object, socket = 'control.sock'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: join(host.runtime, socket), method, path }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            allow: response.headers.allow,
            text,
          }),
        );
      });
      call.once('error', reject);
      call.end(typeof body === 'object' ? JSON.stringify(body) : body);
    });
  }

  /** The answer, of the kind and shape that the file says. */
  async function asked(method: 'GET' | 'POST', path: string, body?: object): Promise<readonly unknown[]> {
    const { status, type, text } = await ask(method, path, body);
    const bare = path.split('?', 1)[0] ?? '';
    const described = api.paths[bare]?.[method.toLowerCase()]?.responses[status] as {
      readonly $ref?: string;
      readonly content?: object;
    };
    const where =
      described.$ref === undefined
        ? ['paths', bare, method.toLowerCase(), 'responses', String(status)]
        : described.$ref.slice(2).split('/');
    const values = (type === 'application/x-ndjson' ? text.trimEnd().split('\n') : [text]).map(
      (line) => JSON.parse(line) as unknown,
    );
    const validate = at(...where, 'content', type, 'schema');
    for (const value of values) conforms(validate, value);
    return values;
  }

  const planRequest = () => ({
    version: packageJson.version,
    desiredState: host.desired,
    stateDir: join(host.runtime, 'state'),
    logDir: join(host.runtime, 'logs'),
    host: process.env.HOSTNAME ?? '',
    only: [],
    claim: false,
    restartStaged: false,
    override: false,
    approved: false,
  });

  it('is all in openapi.yaml, and nothing else is', () => {
    const described = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
    const page = docs('api.md');
    for (const route of described) expect(page).toContain(`\`${route}\``);
  });

  it('tells the status, plans, applies and syncs as it says', async () => {
    const [status] = await asked('GET', '/v1/status');
    expect(status).toMatchObject({ services: [{ name: 'web', state: 'RUNNING' }] });
    const [other] = await asked('POST', '/v1/plan', { ...planRequest(), version: 'another' });
    expect(other).toEqual({ kind: 'other' });

    host.write('api', { ...sleeper, instances: 2, environment: { PASSWORD: 'hush' } });
    const lines = await asked('POST', '/v1/apply', { desiredState: host.desired, only: [], asked: [], by: 'a test' });
    expect(lines.at(-1)).toMatchObject({ kind: 'report' });
    expect(JSON.stringify(lines)).not.toContain('hush');
    const [refused] = await asked('POST', '/v1/apply', { desiredState: '/elsewhere', only: [], asked: [] });
    expect(refused).toMatchObject({ kind: 'problems' });
    const { desired: desiredState } = host;
    const reloaded = await asked('POST', '/v1/reload', { desiredState, names: ['web'], by: 'a test' });
    expect(reloaded.at(-1)).toMatchObject({ kind: 'done', done: { touched: [{ outcome: { kind: 'done' } }] } });
    const signalled = await asked('POST', '/v1/signal', { desiredState, names: ['*'], signal: 'SIGWINCH', tree: true });
    expect(signalled.at(-1)).toMatchObject({ kind: 'done', done: { over: [] } });
    for (const [path, body] of [
      ['/v1/reload', { desiredState, names: ['api'] }],
      ['/v1/signal', { desiredState, names: ['web'], signal: 'SIGTERM' }],
      ['/v1/signal', { desiredState: '/elsewhere', names: ['web'], signal: 'SIGHUP' }],
    ] as const) {
      const [problems] = await asked('POST', path, body);
      expect(problems).toMatchObject({ kind: 'problems' });
    }
    await asked('POST', '/v1/nudge', { cause: 'a test' });
    await asked('POST', '/v1/sync', { desiredState: host.desired });
  });

  it('tells what happened, of some services, from an id or a time on, and then what happens', async () => {
    const all = (await asked('GET', '/v1/events?follow=false')) as readonly {
      readonly id: number;
      readonly at: string;
    }[];
    expect(
      all.map(({ id }) => id),
      JSON.stringify(all.slice(-9)),
    ).toEqual(all.map((_, i) => i + 1));
    expect(JSON.stringify(all)).toContain('the daemon began');
    const last = await asked('GET', '/v1/events?follow=false&limit=1');
    expect(last).toEqual(all.slice(-1));
    const after = await asked('GET', '/v1/events?follow=false&after=1&limit=2');
    expect(after).toEqual(all.slice(1, 3));
    const since = encodeURIComponent(all[0]?.at ?? '');
    expect(await asked('GET', `/v1/events?follow=false&since=${since}&service=web&service=nothing`)).toContainEqual(
      expect.objectContaining({ service: 'web', kind: 'step-ended' }),
    );
    const lines = await new Promise<string>((resolve) => {
      let text = '';
      const call = request(
        { socketPath: join(host.runtime, 'control.sock'), path: '/v1/events?limit=0' },
        (response) => {
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
            if (!text.includes('asked by a test')) return;
            call.destroy();
            resolve(text);
          });
          response.on('error', () => undefined);
          void ask('POST', '/v1/apply', {
            desiredState: host.desired,
            only: ['web'],
            asked: [],
            restart: ['web'],
            by: 'asked by a test',
          });
        },
      );
      call.on('error', () => undefined).end();
    });
    const validate = at('paths', '/v1/events', 'get', 'responses', '200', 'content', 'application/x-ndjson', 'schema');
    for (const line of lines.trimEnd().split('\n')) conforms(validate, JSON.parse(line));
  });

  it('plans to the byte what a dry run would, with each request that it takes', async () => {
    host.write('more', sleeper);
    for (const more of [{}, { only: ['more'] }, { restartStaged: true, claim: true, override: true, approved: true }]) {
      const { hostname } = await import('node:os');
      const [plan] = await asked('POST', '/v1/plan', { ...planRequest(), host: hostname(), ...more });
      expect(['plan', 'other']).toContain((plan as { readonly kind: string }).kind);
    }
  });

  it('says in one form what it refuses: 400, 404, 405, 413', async () => {
    const cases: readonly (readonly [number, string, Promise<Answer>])[] = [
      [400, 'bad-request', ask('POST', '/v1/stop', 'no JSON')],
      [400, 'bad-request', ask('POST', '/v1/stop')],
      [400, 'bad-request', ask('POST', '/v1/stop', { services: 'yes' })],
      [400, 'bad-request', ask('POST', '/v1/stop', { services: false, more: 1 })],
      [400, 'bad-request', ask('POST', '/v1/signal', { desiredState: '/', names: ['web'], signal: 'SIGNOTHING' })],
      [400, 'bad-request', ask('POST', '/v1/reload', { desiredState: '/', names: [] })],
      [404, 'no-such-request', ask('GET', '/v1/nothing')],
      [404, 'no-such-request', ask('GET', '/v1/status?x=1')],
      [404, 'no-such-request', ask('POST', '/')],
      [400, 'bad-request', ask('GET', '/v1/events?after=x')],
      [400, 'bad-request', ask('GET', '/v1/events?since=yesterday')],
      [400, 'bad-request', ask('GET', '/v1/events?more=1')],
      [405, 'no-such-method', ask('DELETE', '/v1/status')],
      [405, 'no-such-method', ask('GET', '/v1/stop')],
      [413, 'too-large', ask('POST', '/v1/apply', 'x'.repeat(2 << 20))],
    ];
    for (const [status, code, answer] of cases) {
      const got = await answer;
      expect([got.status, got.type]).toEqual([status, 'application/json']);
      const value = JSON.parse(got.text) as { readonly problems: readonly { readonly code: string }[] };
      conforms(at('components', 'schemas', 'Problems'), value);
      expect(value.problems[0]?.code).toBe(code);
    }
    expect((await ask('GET', '/v1/stop')).allow).toBe('POST');
    const garbage = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(join(host.runtime, 'control.sock'), () => socket.write('what is this?\r\n\r\n'));
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      socket.once('close', () => resolve(text));
    });
    expect(garbage).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    conforms(at('components', 'schemas', 'Problems'), JSON.parse(garbage.split('\r\n\r\n')[1] ?? ''));
    expect(await host.status()).toHaveLength(4);
  });
});

describe('a daemon with a readGroup', () => {
  const config = (host: Host, group: string) => {
    host.write('../reconcile.config.yaml', { desiredState: host.desired, runtimeDir: host.runtime, readGroup: group });
  };

  it('answers that group what is, and nothing else', async () => {
    const host = await createHost();
    await using _ = host;
    host.write('web', { supervisor: 'builtin', command: ['sleep', '600'], start: { ready: '0s' } });
    config(host, String(process.getgid?.()));
    const daemon = await host.daemon();
    await daemon.saw('"event":"applied"');
    const path = join(host.runtime, 'status.sock');
    expect([statSync(path).mode & 0o777, statSync(host.runtime).mode & 0o777]).toEqual([0o660, 0o710]);
    expect(statSync(join(host.runtime, 'control.sock')).mode & 0o777).toBe(0o600);
    const call = (method: string, url: string) =>
      new Promise<number>((resolve) => {
        request({ socketPath: path, method, path: url }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).end(method === 'GET' ? undefined : '{"services":true}');
      });
    expect(await call('GET', '/v1/status')).toBe(200);
    expect(await call('GET', '/v1/events?follow=false')).toBe(200);
    for (const { method, path: url } of ROUTES.filter(({ method }) => method !== 'GET'))
      expect([url, await call(method, url)]).toEqual([url, 405]);
    await daemon.stop();
    // Without the setting all is as it was.
    host.write('../reconcile.config.yaml', { desiredState: host.desired, runtimeDir: host.runtime });
    const next = await host.daemon();
    await next.saw('"event":"ready"');
    expect(statSync(host.runtime).mode & 0o777).toBe(0o700);
    chmodSync(host.runtime, 0o700);
  });

  it('does not start for a group that is not there', async () => {
    const host = await createHost();
    await using _ = host;
    host.write('web', { supervisor: 'builtin', command: ['sleep', '600'] });
    config(host, 'no-such-group');
    const daemon = await host.daemon();
    expect(await daemon.stop('SIGCONT')).toBe(1);
    expect(daemon.output()).toContain(
      "cannot let group 'no-such-group' ask the daemon (readGroup): there is no such group",
    );
  });
});
