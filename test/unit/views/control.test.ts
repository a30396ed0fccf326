import { expect, test } from 'vitest';
import { PLAIN } from '../../../src/cli/style.ts';
import { frozenJson, frozenText, waitsJson, waitsText } from '../../../src/cli/views/control.ts';
import { saidText } from '../../../src/secrets.ts';
import { planned, read, service } from '../planner/make.ts';

const freeze = { name: 'web', by: 'ann', why: 'audit', since: 0, until: 3_600_000 };

test('what was frozen is told with its end, for people and for programs', () => {
  const frozen = { now: [freeze], changed: { kind: 'frozen', names: ['web'] }, daemon: true } as const;
  expect(frozenText(frozen)).toBe(
    'Frozen until 1970-01-01T01:00:00Z, or `reconcile unfreeze`: web. Nothing is changed there; what runs is kept running.\n',
  );
  expect(frozenJson(frozen)).toEqual({
    frozen: [{ name: 'web', by: 'ann', why: 'audit', since: '1970-01-01T00:00:00Z', until: '1970-01-01T01:00:00Z' }],
  });
  const { until: _, ...endless } = freeze;
  const all = { now: [{ ...endless, name: '*' }], changed: { kind: 'frozen', names: ['*'] }, daemon: true } as const;
  expect(frozenText(all)).toContain('Frozen until `reconcile unfreeze`: everything.');
  expect(frozenJson(all)).toMatchObject({ frozen: [{ name: '*', until: null }] });
});

test('what is frozen no more is told with who does what waited, and what is left', () => {
  const changed = { kind: 'unfrozen', names: ['*'] } as const;
  expect(frozenText({ now: [freeze], changed, daemon: true })).toBe(
    'No longer frozen: everything. What waited is done now.\nStill frozen: web.\n',
  );
  expect(frozenText({ now: [], changed, daemon: false })).toBe(
    'No longer frozen: everything. What waited is done by `reconcile`.\n',
  );
  expect(frozenText({ now: [], changed: { kind: 'unfrozen', names: [] }, daemon: false })).toBe('Nothing is frozen.\n');
});

test('what waits for an approval is a plan, and how to have it done', () => {
  const would = planned([service('web')], read());
  const waits = { plan: '0123456789', services: ['web'], would };
  expect(waitsText(waits, { style: PLAIN, width: 80 })).toBe(
    '  + web  create and start\n\nPlan: 1 to create.\n\nThis waits for an approval, of web. To have it done: reconcile approve 0123456789\n',
  );
  expect(waitsJson(waits)).toMatchObject({ plan: '0123456789', services: ['web'], would: { version: 1 } });
  expect(waitsText(undefined, { style: PLAIN, width: 80 })).toBe('Nothing waits for an approval.\n');
  expect(waitsJson(undefined)).toEqual({ plan: null, services: [] });
});

test('what a person says takes one line, and gives away no secret', () => {
  expect(saidText('  two\nlines\u001b[31m, https://u:p4ss@host/ ')).toBe('two lines [31m, https://u:***@host/');
  expect(saidText('x'.repeat(1000))).toHaveLength(500);
});
