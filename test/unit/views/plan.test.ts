import { expect, it } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { planJson, planText } from '../../../src/cli/views/plan.ts';
import type { ServiceFile } from '../../../src/desired/generated/service.ts';
import type { Plan } from '../../../src/model.ts';
import { actual, FATAL, planned, RUNNING, read, STOPPED, service } from '../planner/make.ts';

const text = (plan: Plan, width = 80) => planText(plan, { style: PLAIN, width });
const steps = (plan: Plan) =>
  (planJson(plan) as { readonly steps: readonly { readonly id: string }[] }).steps.map((s) => s.id);

it('says at a glance what happens to each process, and the same as JSON', () => {
  const api = service('api', { written: { command: ['node', 'api.js', '--port', '8010'] } });
  const web = service('web', { written: { stop: { timeout: '30s' } } });
  const job = service('job', { state: 'stopped' });
  const plan = planned(
    [api, web, job, service('bridge'), service('feed')],
    read(
      actual(service('api', { written: { command: ['node', 'api.js', '--port', '8000'] } })),
      actual(service('web', { written: { stop: { timeout: '10s' } } })),
      actual(job),
      actual(service('feed'), STOPPED),
    ),
  );
  expect(text(plan)).toBe(`-/+ api     restart pid 4711, new definition
      command: node api.js --port 8000 -> node api.js --port 8010
  + bridge  create and start
  > feed    start
      it should run, and is stopped
  - job     stop pid 4711
      its desired state is stopped
  ~ web     update, pid 4711 unchanged
      stop.timeout: 10s -> 30s

Plan: 1 to create, 1 to start, 1 to restart, 1 to update live, 1 to stop.
`);
  expect(steps(plan)).toEqual(['replace:api', 'create:bridge', 'start:feed', 'stop:job', 'update:web']);
  expect(planJson(plan)).toMatchObject({
    version: 1,
    held: [],
    notices: [],
    steps: [
      {
        service: 'api',
        supervisor: 'builtin',
        action: 'replace',
        effect: 'restart',
        after: [],
        reason: {
          kind: 'changed',
          changes: [
            {
              field: 'command',
              effect: 'restart',
              from: ['node', 'api.js', '--port', '8000'],
              to: ['node', 'api.js', '--port', '8010'],
            },
          ],
        },
      },
      { id: 'create:bridge', reason: { kind: 'missing' }, effect: 'start' },
      { id: 'start:feed', reason: { kind: 'not-running', run: 'stopped' } },
      { id: 'stop:job', reason: { kind: 'not-wanted', state: 'stopped' }, effect: 'stop' },
      { id: 'update:web', effect: 'pid unchanged' },
    ],
  });
  expect(Object.keys((planJson(plan) as { steps: object[] }).steps[0] ?? {})).toEqual([
    'id',
    'service',
    'supervisor',
    'action',
    'reason',
    'effect',
    'after',
  ]);
});

it('says that nothing is to do', () => {
  const plan = planned([service('web')], read(actual(service('web'))));
  expect(text(plan)).toBe('No changes: everything is as desired.\n');
  expect(planJson(plan)).toMatchObject({ steps: [], held: [], notices: [] });
});

it('says why a service is held and what to do next', () => {
  const plan = planned([service('db'), service('web', { after: ['db'] })], read(actual(service('db'), FATAL)));
  expect(text(plan)).toBe(`  ! db   held
      FATAL: it failed 4 times in a row
      mend it, then: reconcile start db
  ! web  held
      needs db, which is not running
      db is held itself: see there

No changes. 2 held.
`);
  expect(planJson(plan)).toMatchObject({
    steps: [],
    held: [
      { service: 'db', supervisor: 'builtin', reason: { kind: 'fatal', run: FATAL } },
      { service: 'web', reason: { kind: 'needs', service: 'db' } },
    ],
  });
});

it('says once what holds many', () => {
  const problem = {
    code: 'unreadable',
    summary: 'cannot read /run/reconciled: permission denied',
    hint: 'run it as root',
  };
  expect(text(planned([service('api'), service('web')], { kind: 'unreadable', problem }))).toBe(`  ! api  held
  ! web  held
      cannot read /run/reconciled: permission denied
      run it as root

No changes. 2 held.
`);
});

it('puts values that do not fit in a line below each other, broken between words', () => {
  const args = (port: number) => [
    '/opt/venv/bin/python3',
    'server.py',
    '--listen',
    `127.0.0.1:${port}`,
    '--name',
    'a b',
    '--workers',
    '4',
  ];
  const plan = planned(
    [service('web', { written: { command: args(8011) } })],
    read(actual(service('web', { written: { command: args(8010) } }))),
  );
  expect(text(plan, 60)).toBe(`-/+ web  restart pid 4711, new definition
      command:
        - /opt/venv/bin/python3 server.py --listen
          127.0.0.1:8010 --name "a b" --workers 4
        + /opt/venv/bin/python3 server.py --listen
          127.0.0.1:8011 --name "a b" --workers 4

Plan: 1 to restart.
`);
});

it('shows no secret, and that one has changed', () => {
  const web = (password: string) => service('web', { written: { environment: { DB_PASSWORD: password } } });
  const plan = planned([web('hunter2')], read(actual(web('letmein'))));
  expect(text(plan)).toContain('environment.DB_PASSWORD: *** (what is not shown differs)');
  for (const shown of [text(plan), JSON.stringify(planJson(plan))]) expect(shown).not.toMatch(/hunter2|letmein/);
});

it('writes durations, sizes, files and probes as people do', () => {
  const before = service('web', {
    inputs: { 'restartOn:/etc/web.conf': '0011223344556677' },
    written: {
      restartOn: ['/etc/web.conf'],
      logs: { maxSize: '50MB' },
      health: [{ name: 'api', http: { url: 'http://127.0.0.1:80/' }, every: '10s' }],
    },
  });
  const after = service('web', {
    inputs: { 'restartOn:/etc/web.conf': '8899aabbccddeeff' },
    written: {
      restartOn: ['/etc/web.conf'],
      logs: { maxSize: '1GiB' },
      restart: { cooldown: '90s' },
      health: [
        { name: 'api', http: { url: 'http://127.0.0.1:80/' }, every: '1m' },
        { name: 'db', tcp: { address: '10.0.0.5:5701' } },
      ],
    },
  });
  expect(text(planned([after], read(actual(before))), 120)).toBe(`-/+ web  restart pid 4711, new definition
      health.api: http http://127.0.0.1:80/, every 10s -> http http://127.0.0.1:80/, every 1m
      health.db: (not set) -> tcp 10.0.0.5:5701
      logs.maxSize: 50MB -> 1GiB
      restart.cooldown: (not set) -> 1m30s
      restartOn: /etc/web.conf (content 00112233) -> /etc/web.conf (content 8899aabb)

Plan: 1 to restart.
`);
});

it('writes every kind of probe in its words and units', () => {
  const health: NonNullable<ServiceFile['health']> = [
    { name: 'api', http: { url: 'http://h/', headers: { Cookie: 'hunter2' }, json: { path: '$.ok', equals: true } } },
    { name: 'beat', file: { path: 'heartbeat', changedWithin: '1m' }, failures: { count: 3, of: 5 } },
    { name: 'scan', progress: { exec: { command: ['tail', 'log'] }, regex: 'scan (\\d+)', within: '90s' } },
    { name: 'use', process: { memory: '2GiB', openFiles: 1000 }, kind: 'liveness' },
  ];
  const shown = text(planned([service('web', { written: { health } })], read(actual(service('web')))), 160);
  expect(shown.split('\n').filter((line) => line.includes('health.'))).toEqual([
    '      health.api: (not set) -> http http://h/ headers Cookie *** json $.ok equals true',
    '      health.beat: (not set) -> file heartbeat changedWithin 1m, failures count 3 of 5',
    '      health.scan: (not set) -> progress exec tail log regex "scan (\\\\d+)" within 1m30s',
    '      health.use: (not set) -> process memory 2GiB openFiles 1000, kind liveness',
  ]);
});

it('lets no value move the cursor or hide what stands behind it', () => {
  const web = (zone: string) => service('web', { written: { environment: { TZ: zone } } });
  const shown = text(planned([web('a\u001b[2J\nb\u009b\u202e')], read(actual(web('UTC')))));
  expect(shown).toContain('environment.TZ: UTC -> "a\\u001b[2J\\nb\\u009b\\u202e"');
});

it('says of a staged change that it waits', () => {
  const web = (zone: string) => service('web', { changes: 'staged', written: { environment: { TZ: zone } } });
  const run = { ...RUNNING, definition: 'stale' } as const;
  expect(text(planned([web('CET')], read(actual(web('UTC')))))).toBe(`  ~ web  update, pid 4711 unchanged
      environment.TZ: UTC -> CET (at its next start)

Plan: 1 to update live.
`);
  expect(text(planned([web('CET')], read(actual(web('CET'), run))))).toBe(`  = web  left running
      staged: it runs with what it was started from until its next start; now:
      reconcile --restart-staged

No changes.
`);
});

it('differs by colour alone where there is colour', () => {
  const plan = planned([service('web'), service('api')], read(actual(service('web'), FATAL), actual(service('old'))));
  const coloured = planText(plan, { style: COLOUR, width: 80 });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are.
  expect(coloured.replace(/\u001b\[[0-9;]*m/g, '')).toBe(text(plan));
  expect(coloured).not.toBe(text(plan));
});
