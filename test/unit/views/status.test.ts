import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect, it } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { statusJson, statusText } from '../../../src/cli/views/status.ts';
import type { ServiceStatus, StatusNote } from '../../../src/model.ts';

const now = Date.parse('2026-03-25T12:00:00Z');
const running: ServiceStatus = {
  name: 'scan_bridge',
  supervisor: 'builtin',
  desired: 'running',
  state: 'RUNNING',
  pid: 225427,
  since: '2026-03-23T10:30:00.000Z',
  restarts: 0,
  health: 'healthy',
  definition: 'current',
  revision: '1a2b3c4d5e6f',
  note: null,
};
const stopped = { state: 'STOPPED', pid: null, since: null, health: 'none', definition: 'none' } as const;
const DOLPHIN: readonly ServiceStatus[] = [
  { ...running, ...stopped, name: 'meta_health_daemon', desired: 'disabled' },
  {
    ...running,
    name: 'nautilus_trader',
    pid: 225389,
    since: '2026-03-25T11:59:38.000Z',
    health: 'unhealthy',
    note: 'dependency ng6: connection refused',
  },
  running,
];

const schema = JSON.parse(readFileSync(new URL('../../../docs/status.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
formats.default(ajv);
const valid = ajv.compile(schema);
const text = (services: readonly ServiceStatus[], width: number, style = PLAIN) =>
  statusText({ notes: [], services }, { style, width, now });

it('shows all columns and notes beside them where there is room', () => {
  expect(text(DOLPHIN, 200)).toBe(`\
service             supervisor  desired   state       pid  uptime  restarts  health     since
meta_health_daemon  builtin     disabled  STOPPED       -       -         0  none       1a2b3c4d5e6f
nautilus_trader     builtin     running   RUNNING  225389     22s         0  unhealthy  1a2b3c4d5e6f  dependency ng6: connection refused
scan_bridge         builtin     running   RUNNING  225427   2d01h         0  healthy    1a2b3c4d5e6f
`);
});

it('tells below what is the same of all, and notes on their own lines, where 80 columns are too few', () => {
  expect(text(DOLPHIN, 80)).toBe(`\
service             desired   state       pid  uptime  restarts  health
meta_health_daemon  disabled  STOPPED       -       -         0  none
nautilus_trader     running   RUNNING  225389     22s         0  unhealthy
    dependency ng6: connection refused
scan_bridge         running   RUNNING  225427   2d01h         0  healthy

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
scan_bridge  builtin              running  RUNNING  225427   2d01h         0  healthy  1a2b3c4+
web          supervisord/dolphin  running  RUNNING  225427   2d01h         0  healthy  content:0011223
`);
  expect(text(mixed, 60)).toBe(`\
service      desired  state       pid  uptime  health
scan_bridge  running  RUNNING  225427   2d01h  healthy
web          running  RUNNING  225427   2d01h  healthy

Not shown at this width: since, supervisor, restarts; --json
has all.
`);
});

it('breaks long notes between words, and tells how long ago something ended', () => {
  const fatal: ServiceStatus = {
    ...running,
    ...stopped,
    state: 'FATAL',
    since: '2026-03-25T08:54:30.000Z',
    note: 'ended with exit code 1 within 1s, 4 times in a row; to try again: reconcile start scan_bridge',
  };
  expect(text([fatal], 80)).toBe(`\
service      supervisor  desired  state  pid  uptime  restarts  health  since
scan_bridge  builtin     running  FATAL    -       -         0  none    1a2b3c4
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
  const colour = text(DOLPHIN, 200, COLOUR);
  expect(colour).toContain('\u001b[32mRUNNING\u001b[39m');
  expect(colour).toContain('\u001b[31munhealthy\u001b[39m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  expect(colour.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(text(DOLPHIN, 200));
});

it('says so where there is nothing', () => {
  expect(text([], 80)).toBe('No services.\n');
  expect(statusJson({ notes: [], services: [] })).toEqual({ notes: [], services: [] });
});

it('tells what holds for the whole host above the table', () => {
  const notes: StatusNote[] = [
    { kind: 'source', ok: true, text: 'main at 1a2b3c' },
    { kind: 'freeze', ok: false, text: 'frozen by ann' },
  ];
  expect(statusText({ notes, services: [] }, { style: PLAIN, width: 80, now })).toBe(
    'main at 1a2b3c\nfrozen by ann\n\nNo services.\n',
  );
});

it('gives programs the same values, as its schema describes', () => {
  const all: ServiceStatus[] = [
    ...DOLPHIN,
    { ...running, ...stopped, name: 'web@2', desired: 'undeclared', state: 'UNREADABLE', revision: null, note: 'x' },
  ];
  const json = statusJson({ notes: [{ kind: 'source', ok: true, text: 'main at 1a2b3c' }], services: all }) as {
    readonly services: readonly Record<string, unknown>[];
  };
  expect(json.services).toEqual(all);
  expect(Object.keys(json.services[0] ?? {})).toEqual(schema.properties.services.items.required);
  expect(valid(json), JSON.stringify(valid.errors)).toBe(true);
  expect(valid({ notes: [], services: [{ ...json.services[0], pid: 0 }] })).toBe(false);
  expect(valid({ notes: [], services: [{ ...json.services[0], more: 1 }] })).toBe(false);
  expect(valid({ notes: [], services: [{ ...json.services[0], since: 'yesterday' }] })).toBe(false);
});
