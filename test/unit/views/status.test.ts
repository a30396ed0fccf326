import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect, it } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { statusJson, statusText } from '../../../src/cli/views/status.ts';
import type { HostHealth, ServiceStatus, Status, StatusNote } from '../../../src/model.ts';

const now = Date.parse('2026-03-25T12:00:00Z');
const running: ServiceStatus = {
  name: 'scan_bridge',
  group: null,
  supervisor: 'builtin',
  desired: 'running',
  state: 'RUNNING',
  missing: false,
  pid: 225427,
  since: '2026-03-23T10:30:00.000Z',
  restarts: 0,
  health: 'healthy',
  level: 'HEALTHY',
  waitingFor: null,
  definition: 'current',
  revision: '1a2b3c4d5e6f',
  note: null,
};
const stopped = { state: 'STOPPED', pid: null, since: null, health: 'none', level: null, definition: 'none' } as const;
const DOLPHIN: readonly ServiceStatus[] = [
  { ...running, ...stopped, name: 'meta_health_daemon', desired: 'disabled' },
  {
    ...running,
    name: 'nautilus_trader',
    pid: 225389,
    since: '2026-03-25T11:59:38.000Z',
    health: 'unhealthy',
    level: 'DEGRADED',
    waitingFor: { name: 'ng6', since: '2026-03-25T09:54:30.000Z' },
    note: 'waiting for ng6: connection refused (its api fails by that)',
  },
  running,
];

const schema = JSON.parse(readFileSync(new URL('../../../docs/status.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
formats.default(ajv);
const valid = ajv.compile(schema);
const WELL: HostHealth = { level: null, services: { HEALTHY: 0, DEGRADED: 0, CRITICAL: 0, DEAD: 0 }, worst: [] };
const whole = (services: readonly ServiceStatus[], more: Partial<Status> = {}): Status => {
  return { notes: [], host: WELL, groups: [], services, ...more };
};
const text = (services: readonly ServiceStatus[], width: number, style = PLAIN) =>
  statusText(whole(services), { style, width, now });

it('shows all columns and notes beside them where there is room', () => {
  expect(text(DOLPHIN, 220)).toBe(`\
service             supervisor  desired   state       pid  uptime  restarts  health    since
meta_health_daemon  builtin     disabled  STOPPED       -       -         0  -         1a2b3c4d5e6f
nautilus_trader     builtin     running   RUNNING  225389     22s         0  DEGRADED  1a2b3c4d5e6f  waiting for ng6 (since 09:54 UTC, 2h05m ago): connection refused (its api fails by that)
scan_bridge         builtin     running   RUNNING  225427   2d01h         0  HEALTHY   1a2b3c4d5e6f
`);
});

it('tells below what is the same of all, and notes on their own lines, where 80 columns are too few', () => {
  expect(text(DOLPHIN, 80)).toBe(`\
service             desired   state       pid  uptime  restarts  health
meta_health_daemon  disabled  STOPPED       -       -         0  -
nautilus_trader     running   RUNNING  225389     22s         0  DEGRADED
    waiting for ng6 (since 09:54 UTC, 2h05m ago): connection refused (its api
    fails by that)
scan_bridge         running   RUNNING  225427   2d01h         0  HEALTHY

All: supervisor builtin, since 1a2b3c4d5e6f.
`);
});

it('shortens commits, and names the columns that it leaves out', () => {
  const mixed: readonly ServiceStatus[] = [
    { ...running, revision: '1a2b3c4d5e6f+changes' },
    { ...running, name: 'web', supervisor: 'supervisord/dolphin', revision: 'content:00112233aabb' },
  ];
  expect(text(mixed, 105)).toBe(`\
service      supervisor           desired  state       pid  uptime  restarts  health   since
scan_bridge  builtin              running  RUNNING  225427   2d01h         0  HEALTHY  1a2b3c4+
web          supervisord/dolphin  running  RUNNING  225427   2d01h         0  HEALTHY  content:0011223
`);
  expect(text(mixed, 60)).toBe(`\
service      desired  state       pid  uptime  health
scan_bridge  running  RUNNING  225427   2d01h  HEALTHY
web          running  RUNNING  225427   2d01h  HEALTHY

Not shown at this width: since, supervisor, restarts; --json
has all.
`);
});

it('breaks long notes between words, and tells how long ago something ended', () => {
  const fatal: ServiceStatus = {
    ...running,
    ...stopped,
    state: 'FATAL',
    level: 'DEAD',
    since: '2026-03-25T08:54:30.000Z',
    note: 'ended with exit code 1 within 1s, 4 times in a row; to try again: reconcile start scan_bridge',
  };
  expect(text([fatal], 80)).toBe(`\
service      supervisor  desired  state  pid  uptime  restarts  health  since
scan_bridge  builtin     running  FATAL    -       -         0  DEAD    1a2b3c4
    ended with exit code 1 within 1s, 4 times in a row; to try again: reconcile
    start scan_bridge (3h05m ago)
`);
});

it('says where a process is of an older definition than its supervisor holds', () => {
  expect(text([{ ...running, definition: 'stale' }], 200)).toContain('runs an older definition');
  expect(text([{ ...running, definition: 'unknown' }], 200)).not.toContain('older');
});

it.each([
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m00s'],
  [3_599_000, '59m59s'],
  [3_600_000, '1h00m'],
  [86_400_000, '1d00h'],
  [-5000, '0s'],
])('shows an uptime of %i ms as %s', (ms, shown) => {
  const since = new Date(now - ms).toISOString();
  expect(
    text([{ ...running, since }], 200)
      .split('\n')[1]
      ?.split(/ +/)[5],
  ).toBe(shown);
});

it('keeps columns straight under wide characters, and lets no note move the cursor', () => {
  const odd: readonly ServiceStatus[] = [
    { ...running, revision: '交易' },
    { ...running, revision: 'abc', note: 'a\nb\u001b[2Jc\u202e' },
  ];
  const [, first, second] = text(odd, 200).split('\n');
  expect(first).toMatch(/ {2}交易$/);
  expect(second).toMatch(/ {2}abc {4}a\\u000ab\\u001b\[2Jc\\u202e$/);
});

it('marks states by colour without moving a column', () => {
  const colour = text(DOLPHIN, 220, COLOUR);
  expect(colour).toContain('\u001b[32mRUNNING\u001b[39m');
  expect(colour).toContain('\u001b[33mDEGRADED\u001b[39m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  expect(colour.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(text(DOLPHIN, 220));
});

it('says so where there is nothing', () => {
  expect(text([], 80)).toBe('No services.\n');
  expect(statusJson(whole([]))).toEqual({ notes: [], host: WELL, groups: [], services: [] });
});

it('tells what holds for the whole host above the table', () => {
  const notes: StatusNote[] = [
    { kind: 'source', ok: true, text: 'main at 1a2b3c' },
    { kind: 'freeze', ok: false, text: 'frozen by ann' },
  ];
  expect(statusText(whole([], { notes }), { style: PLAIN, width: 80, now })).toBe(
    'main at 1a2b3c\nfrozen by ann\n\nNo services.\n',
  );
});

it('tells above all how the host is, where it is not well, what is worst, and of which groups', () => {
  const services = { HEALTHY: 12, DEGRADED: 2, CRITICAL: 0, DEAD: 7 };
  const host: HostHealth = { level: 'DEAD', services, worst: ['db', 'a', 'b', 'c', 'd', 'e', 'f'] };
  const groups = [
    { name: 'dolphin', level: 'DEAD' as const },
    { name: 'web', level: 'HEALTHY' as const },
  ];
  const notes: StatusNote[] = [{ kind: 'source', ok: true, text: 'main at 1a2b3c' }];
  expect(statusText(whole([running], { notes, host, groups }), { style: PLAIN, width: 120, now })).toMatch(
    /^Host DEAD: db, a, b, c, d and 2 more \(7 DEAD, 2 DEGRADED, 12 HEALTHY\)\nGroups: dolphin DEAD\nmain at 1a2b3c\n\nservice/,
  );
});

it('says of another day since when it waits, and that nothing is known yet', () => {
  const waitingFor = { name: 'db', since: '2026-03-24T23:10:00.000Z' };
  expect(text([{ ...running, waitingFor, note: 'waiting for db by way of api: it is DEAD' }], 220)).toContain(
    'waiting for db (since 2026-03-24 23:10 UTC, 12h50m ago) by way of api: it is DEAD',
  );
  expect(text([{ ...running, level: null, health: 'unknown' }], 200)).toContain('  unknown  ');
});

it('gives programs the same values, as its schema describes', () => {
  const all: ServiceStatus[] = [
    ...DOLPHIN,
    { ...running, ...stopped, name: 'web@2', desired: 'undeclared', state: 'UNREADABLE', revision: null, note: 'x' },
  ];
  const host: HostHealth = {
    level: 'DEGRADED',
    services: { ...WELL.services, DEGRADED: 1 },
    worst: ['nautilus_trader'],
  };
  const groups = [
    { name: 'dolphin', level: 'DEGRADED' as const },
    { name: 'off', level: null },
  ];
  const notes: StatusNote[] = [{ kind: 'source', ok: true, text: 'main at 1a2b3c' }];
  const json = statusJson({ notes, host, groups, services: all }) as {
    readonly services: readonly Record<string, unknown>[];
  };
  expect(json.services).toEqual(all);
  expect(Object.keys(json.services[0] ?? {})).toEqual(schema.properties.services.items.required);
  expect(valid(json), JSON.stringify(valid.errors)).toBe(true);
  expect(json).toMatchObject({ notes, host, groups });
  expect(valid({ ...json, services: [{ ...json.services[0], pid: 0 }] })).toBe(false);
  expect(valid({ ...json, services: [{ ...json.services[0], more: 1 }] })).toBe(false);
  expect(valid({ ...json, services: [{ ...json.services[0], since: 'yesterday' }] })).toBe(false);
});

it('shows everything where that is asked for, whatever the width, and programs the same', () => {
  const use = { memory: 612_345_678, cpu: 754_320, processes: 3 };
  const all = [
    { ...running, group: 'dolphin', use },
    { ...running, ...stopped, name: 'web', missing: true, use: null, note: 'left stopped by ann' },
  ];
  const wide = `\
service      group    supervisor  desired  state       pid  uptime  restarts  memory     cpu  health   definition  changed               since
scan_bridge  dolphin  builtin     running  RUNNING  225427   2d01h         0    584M  12m34s  HEALTHY  current     2026-03-23T10:30:00Z  1a2b3c4d5e6f`;
  for (const width of [80, 200]) {
    const shown = statusText(whole(all), { style: PLAIN, width, now, wide: true });
    expect(shown.split('\n').slice(0, 2).join('\n')).toBe(wide);
    expect(shown).toContain('left stopped by ann');
  }
  const json = statusJson(whole(all));
  valid(json);
  expect(valid.errors).toBeNull();
  expect(json).toMatchObject({
    services: [
      { group: 'dolphin', missing: false, use },
      { group: null, missing: true, use: null },
    ],
  });
});

it('says of the host only what somebody has to do about, where some services alone were asked for', () => {
  const notes: readonly StatusNote[] = [
    { kind: 'source', ok: true, text: 'at 1a2b3c' },
    { kind: 'freeze', ok: false, text: 'everything is frozen by ann' },
  ];
  const host: HostHealth = { level: 'DEAD', services: { HEALTHY: 1, DEGRADED: 0, CRITICAL: 0, DEAD: 1 }, worst: ['x'] };
  const shown = statusText(whole([running], { notes, host }), { style: PLAIN, width: 80, now, chosen: true });
  expect(shown).toMatch(/^everything is frozen by ann\n\nservice /);
});
