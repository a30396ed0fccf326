import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dotted } from '../../../src/desired/layer.ts';
import { knownFields, saidFields, wordsOf } from '../../../src/desired/said-fields.ts';

const at = (path: readonly (string | number)[]) => ({
  ...{ file: 'services/web.yaml', line: path.length, column: dotted(path).length, length: 1, excerpt: '' },
});
const place = (field: string, depth: number) => ({
  ...{ kind: 'file', file: 'services/web.yaml', line: depth, column: field.length },
});
const byDefault = { kind: 'default' };

it('tells what is written with its place, and the default of the rest', () => {
  const written = {
    ...{
      supervisor: 'builtin',
      command: ['a', '--token', 'hunter2'],
      environment: { TZ: 'UTC', DB_PASSWORD: 'hunter3' },
    },
    ...{ start: { ready: '2s' }, raw: { systemd: [['Service', 'Nice', '5']] } },
  };
  const rows = saidFields('service', written, at);
  expect(JSON.stringify(rows)).not.toContain('hunter');
  const of = (field: string) => rows.find((row) => row.field === field);
  expect(rows.filter(({ from }) => from.kind === 'file')).toEqual([
    { field: 'supervisor', value: 'builtin', from: place('supervisor', 1) },
    { field: 'command', value: ['a', '--token', '***'], from: place('command', 1) },
    { field: 'environment.TZ', value: 'UTC', from: place('environment.TZ', 2) },
    { field: 'environment.DB_PASSWORD', value: '***', from: place('environment.DB_PASSWORD', 2) },
    { field: 'start.ready', value: '2s', from: place('start.ready', 2) },
    { field: 'raw.systemd', value: [['Service', 'Nice', '5']], from: place('raw.systemd', 2) },
  ]);
  expect(of('state')).toEqual({ field: 'state', value: 'running', from: byDefault });
  expect(of('umask')).toEqual({ field: 'umask', value: '022', from: byDefault });
  expect(of('start.retries')).toEqual({ field: 'start.retries', value: '3', from: byDefault });
  // As one, since nobody says a part of it.
  expect(of('restart.limit')).toEqual({ field: 'restart.limit', value: '5 within 10m', from: byDefault });
  // What has no default is not in effect, nor what is something only as a whole.
  for (const none of ['group', 'gate.every', 'reload.signal', 'supersedes', 'environment', '$schema'])
    expect(of(none), none).toBeUndefined();
});

it('tells of each probe what it is, and of what it is not nothing', () => {
  const health = [{ name: 'api', http: { url: 'http://u:hunter2@h/' } }, { tcp: { address: 'x:1' } }];
  const rows = saidFields('service', { health }, at).filter(({ field }) => field.startsWith('health'));
  const fields = rows.map(({ field }) => field);
  expect(rows.find(({ field }) => field === 'health[0].http.url')?.value).toBe('http://u:***@h/');
  expect(fields).toEqual(expect.arrayContaining(['health[0].every', 'health[1].tcp.address', 'health[1].every']));
  expect(fields.filter((field) => /health\[0\]\.tcp|health\[1\]\.http/.test(field))).toEqual([]);
});

it('takes every default that the schemas tell', () => {
  for (const kind of ['service', 'policy'] as const) {
    const schema = readFileSync(new URL(`../../../schemas/${kind}.schema.json`, import.meta.url), 'utf8');
    expect(schema).toContain('Default: ');
    for (const { field, value } of saidFields(kind, {}, at)) {
      expect([field, value]).toEqual([field, expect.stringMatching(/^[^"]*[^".]$/)]);
      expect(schema.replaceAll('\\"', '"')).toContain(`Default: ${field === 'umask' ? '"022"' : value}`);
    }
  }
});

it('knows every field, and the words that one takes', () => {
  const fields = knownFields('service');
  expect(fields).toEqual(
    expect.arrayContaining(['command', 'environment.', 'restart.backoff.max', 'limits.addressSpace']),
  );
  expect(knownFields('policy')).toEqual(expect.arrayContaining(['owner', 'holds.for']));
  expect(wordsOf('service', 'state')).toEqual(['running', 'stopped', 'manual', 'disabled', 'absent']);
  expect(wordsOf('service', 'autostart')).toEqual(['true', 'false']);
  expect([wordsOf('service', 'command'), wordsOf('service', 'nothing.at.all')]).toEqual([[], []]);
});
