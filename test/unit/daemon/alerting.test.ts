import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startAlerting } from '../../../src/daemon/alerting.ts';
import { meaningsOf } from '../../../src/daemon/conditions.ts';
import type { DaemonEvent } from '../../../src/daemon/event.ts';
import { conditionsIn } from '../../../src/daemon/plan-conditions.ts';
import type { Desired, Held, Level, Plan } from '../../../src/model.ts';
import { createHook, type Hook } from '../../rig/hook.ts';
import { until } from '../../rig/host.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const PROBLEM = { code: 'x', summary: 'cannot do 7 things', hint: 'do 6' };

const said = (...events: readonly DaemonEvent[]) =>
  events
    .flatMap((event) => meaningsOf(event, NOW))
    .map((meaning) => {
      if (meaning.kind !== 'on') return Object.values(meaning).join(' ');
      const { key, severity, title } = meaning.condition;
      return `${severity} ${key.replace(/:[0-9a-f]{8}$/, ':HASH')}: ${title}`;
    });

it('has words for what is done about a failing probe, and what is only told', () => {
  const acted = { kind: 'acted', service: 'web', probe: 'api', why: 'status 503', what: 'restart' } as const;
  expect(
    said(
      { ...acted, outcome: { kind: 'would' } },
      { ...acted, outcome: { kind: 'done' } },
      { ...acted, what: 'rollback', outcome: { kind: 'refused', because: 'no good commit' } },
      { ...acted, what: 'stop', outcome: { kind: 'failed', because: 'disk full' } },
    ),
  ).toEqual([
    'warning acted:web/api/would: would have restarted web: probe api fails: status 503',
    'warning acted:web/api/done: restarted web: probe api fails: status 503',
    'critical acted:web/api/refused: did not roll back web, though probe api fails: status 503',
    'critical acted:web/api/failed: could not stop web, though probe api fails: status 503',
  ]);
});

it('takes levels of services for what they are, and of groups and the host for nothing', () => {
  const level = { kind: 'level', of: 'service', service: 'web', from: 'HEALTHY', why: 'api: status 503' } as const;
  expect(
    said(
      { ...level, to: 'DEGRADED' },
      { ...level, to: 'DEAD' },
      { ...level, to: 'HEALTHY' },
      { ...level, to: undefined },
      { kind: 'level', of: 'host', from: 'HEALTHY', to: 'DEAD', why: 'web' },
    ),
  ).toEqual([
    'warning health:web: web is DEGRADED: api: status 503',
    'critical health:web: web is DEAD: api: status 503',
    'off health:web',
    'well web',
    'off health:web',
    'well web',
  ]);
});

it('knows the same trouble by whatever numbers are in it', () => {
  const keys = [PROBLEM, { ...PROBLEM, summary: 'cannot do 8 things' }, { ...PROBLEM, summary: 'cannot do it' }].map(
    (problem) => meaningsOf({ kind: 'trouble', problem }, NOW).map((one) => one.kind === 'on' && one.condition.key)[0],
  );
  expect([keys[0] === keys[1], keys[0] === keys[2]]).toEqual([true, false]);
});

it('tells a hold that ends until it has', () => {
  const [meaning] = meaningsOf(
    { kind: 'hold-ends', service: 'web', until: NOW + 300_000, by: 'ann', waits: undefined },
    NOW,
  );
  expect(meaning?.kind === 'on' && meaning.condition).toMatchObject({ severity: 'warning', lasts: 300_000 });
  expect(said({ kind: 'released', service: 'web' })).toEqual(['off hold:web']);
});

it('says nothing of what a plan holds because somebody wants it so', () => {
  const waits = { action: 'restart', effect: 'restart' } as const;
  const held = (reason: Held['reason']): Held => ({ service: 'web', supervisor: 'builtin', reason });
  expect(
    conditionsIn({
      held: [
        held({ kind: 'window', waits, why: 'at night' }),
        held({ kind: 'frozen', waits, name: '*', by: 'ann', why: 'audit' }),
        held({ kind: 'observed', waits }),
        held({ kind: 'approval', waits, plan: 'e3de', work: 'w' }),
        held({ kind: 'unreadable', problem: PROBLEM }),
      ],
      notices: [{ kind: 'drift', service: 'api', what: 'stopped' }],
    }).map(({ key, title }) => `${key}: ${title}`),
  ).toEqual([
    'observed:web: would have restarted web: mode: observe',
    'approval:web: web: its restart waits for `reconcile approve e3de`',
    'held:web: web is left alone: cannot do 7 things (do 6)',
    'drift:api: api: stopped by somebody, and Git has not changed',
  ]);
});

// ---- What becomes of it --------------------------------------------------------------------------------------

let folder: string;
let hook: Hook;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-alerting-'));
  hook = await createHook();
});
afterEach(async () => {
  await hook[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const plan = (held: readonly Held[]): Plan => ({
  version: 1,
  revision: 'r',
  fingerprint: 'f',
  steps: [],
  held,
  notices: [],
});
const unreadable: Held = {
  service: 'web',
  supervisor: 'systemd',
  reason: { kind: 'unreadable', problem: PROBLEM },
};

function start(level: Level | undefined = undefined) {
  const desired = {
    revision: { content: 'c' },
    policy: { owner: 'o', prune: { kind: 'off' }, written: { alerts: [{ name: 'ops', webhook: { url: hook.url } }] } },
    services: [{ id: 'web', name: 'web' }],
  } as unknown as Desired;
  return startAlerting({ stateDir: folder, host: 'here' } as never, {
    desired: () => desired,
    tell: () => {},
    levelOf: () => level,
    isBroken: () => false,
    signal: new AbortController().signal,
  });
}
const words = () => hook.got.map(({ key, state }) => `${key} ${state}`);

it('tells what a plan holds as long as a whole plan does, and not for what another plan leaves out', async () => {
  const alerting = start();
  alerting.see(plan([unreadable]), true);
  alerting.see(plan([]), false);
  await until(() => hook.got.length > 0);
  alerting.see(plan([unreadable]), true);
  alerting.see(plan([]), true);
  await until(() => hook.got.length > 1);
  await alerting[Symbol.asyncDispose]();
  expect(words()).toEqual(['held:web firing', 'held:web resolved']);
});

it('tells what it has not told yet when it ends, and what has ended since when it begins', async () => {
  const first = start();
  first.hear({ kind: 'level', of: 'service', service: 'web', from: 'HEALTHY', to: 'DEAD', why: 'api' });
  await first[Symbol.asyncDispose]();
  expect(words()).toEqual(['health:web firing']);
  // Nobody knows yet how it is.
  const second = start();
  second.see(plan([]), true);
  await second[Symbol.asyncDispose]();
  const third = start('HEALTHY');
  third.see(plan([]), true);
  await until(() => hook.got.length > 1);
  await third[Symbol.asyncDispose]();
  expect(words()).toEqual(['health:web firing', 'health:web resolved']);
  expect(hook.got[1]?.title).toContain('seen when the daemon began anew');
  expect(JSON.parse(readFileSync(join(folder, 'alerts.json'), 'utf8'))).toMatchObject({ version: 1, queues: {} });
});
