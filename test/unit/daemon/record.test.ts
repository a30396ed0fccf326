import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DaemonEvent } from '../../../src/daemon/event.ts';
import { openRecorder, type Recorder, type RecorderOptions } from '../../../src/daemon/record.ts';
import { readJournal } from '../../../src/journal/read.ts';
import type { Held, Notice, Plan, Service, Step } from '../../../src/model.ts';

let stateDir: string;
let recorder: Recorder;

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'reconciled-record-'));
  recorder = open({ stays: true });
});
afterEach(() => {
  recorder[Symbol.dispose]();
  rmSync(stateDir, { recursive: true, force: true });
});

function open(options: Omit<RecorderOptions, 'onTrouble'>): Recorder {
  const onTrouble: RecorderOptions['onTrouble'] = ({ summary }) => {
    throw new Error(summary);
  };
  return openRecorder({ stateDir }, { ...options, onTrouble });
}

const entries = () => readJournal(stateDir, { limit: 1e6 })?.entries ?? [];
const lines = () =>
  entries().map(({ run, kind, service, text }) =>
    [run === undefined ? '-' : 'run', kind, service ?? '-', text].join(' | '),
  );

const step = (service: string, more: Partial<Step> = {}): Step => ({
  id: `replace:${service}`,
  service,
  supervisor: 'builtin',
  action: 'replace',
  effect: 'restart',
  reason: { kind: 'changed', changes: [{ field: 'command', effect: 'restart', from: ['a'], to: ['b'] }] },
  after: [],
  seen: { kind: 'present', hash: 'h', run: 'running', pid: 7 },
  ...more,
});
const plan = (steps: readonly Step[], held: readonly Held[] = [], notices: readonly Notice[] = []): Plan => ({
  version: 1,
  revision: '1a2b3c4d5e6f',
  fingerprint: 'f',
  steps,
  held,
  notices,
});
const needs: Held = { service: 'db', supervisor: 'builtin', reason: { kind: 'needs', service: 'disk' } };

function apply(it: Plan, to = recorder): void {
  to.tell({ kind: 'planned', plan: it });
  for (const one of it.steps) {
    to.tell({ kind: 'step-started', step: one });
    to.tell({ kind: 'step-ended', step: one, outcome: { kind: 'done', pid: 8 }, took: 12.3 });
  }
  const steps = it.steps.map((one) => ({ step: one, outcome: { kind: 'done' } as const, took: 1 }));
  to.tell({ kind: 'applied', report: { plan: it, steps, took: 20.5 } });
}

it('tells a run with its cause, its steps with their reasons, what happens meanwhile to those, and what came of it', () => {
  recorder.tell({ kind: 'run', causes: ['files changed', 'a duel'] });
  recorder.tell({ kind: 'planned', plan: plan([step('web')], [needs]) });
  recorder.tell({ kind: 'held', services: ['db'], reason: { kind: 'needs', service: 'disk' } });
  recorder.tell({ kind: 'step-started', step: step('web') });
  recorder.tell({ kind: 'state', service: 'web', from: 'RUNNING', to: 'STOPPING', pid: 7 });
  recorder.tell({ kind: 'state', service: 'other', from: 'RUNNING', to: 'BACKOFF', exit: { kind: 'code', code: 1 } });
  recorder.tell({ kind: 'step-ended', step: step('web'), outcome: { kind: 'done', pid: 8 }, took: 350 });
  const report = {
    plan: plan([]),
    steps: [{ step: step('web'), outcome: { kind: 'done' } as const, took: 1 }],
    took: 2,
  };
  recorder.tell({ kind: 'applied', report });
  recorder.tell({ kind: 'probe', service: 'web', probe: 'api', about: 'self', verdict: 'failing', why: 'refused' });
  expect(lines()).toEqual([
    'run | planned | - | files changed, a duel: 1 step (1 replace), 1 held',
    'run | step | web | to do: replace (restart)',
    'run | held | db | left alone: needs disk, which is not running',
    'run | step-started | web | replace...',
    'run | state | web | RUNNING -> STOPPING pid 7',
    '- | state | other | RUNNING -> BACKOFF (ended with exit code 1)',
    'run | step-ended | web | replace done in 350ms',
    'run | applied | - | applied: 1 done, 0 failed or skipped',
    '- | probe | web | probe api fails: refused',
  ]);
  expect(new Set(entries().map(({ revision }) => revision))).toEqual(new Set(['1a2b3c4d5e6f']));
  expect(entries()[1]?.data).toEqual({
    id: 'replace:web',
    supervisor: 'builtin',
    action: 'replace',
    effect: 'restart',
    reason: step('web').reason,
    seen: { kind: 'present', hash: 'h', run: 'running', pid: 7 },
  });
  expect(entries()[6]?.data).toEqual({
    step: { id: 'replace:web', action: 'replace', effect: 'restart' },
    outcome: { kind: 'done', pid: 8 },
    took: 350,
  });
  expect(entries().map(({ level }) => level)).toEqual([
    'info',
    'info',
    'error',
    'info',
    'info',
    'warn',
    'info',
    'info',
    'warn',
  ]);
});

it('leaves no trace of a run that finds nothing to do and nothing new', () => {
  for (let n = 0; n < 5; n += 1) {
    recorder.tell({ kind: 'run', causes: ['a look now and then'] });
    apply(plan([], [needs]));
  }
  expect(lines()).toEqual(['run | planned | - | a look now and then: nothing to do, 1 held']);
  recorder.tell({ kind: 'run', causes: ['files changed'] });
  apply({ ...plan([], [needs]), revision: 'another' });
  apply(plan([]));
  expect(lines().slice(1)).toEqual([
    'run | planned | - | files changed: nothing to do, 1 held',
    'run | planned | - | files changed: nothing to do',
  ]);
});

it('tells a notice once, as long as it is one', () => {
  const notice: Notice = { kind: 'unknown-process', service: 'web', pid: 7 };
  apply(plan([step('a')], [], [notice]));
  apply(plan([step('b')], [], [notice]));
  apply(plan([step('c')], [], []));
  apply(plan([step('d')], [], [notice]));
  expect(lines().filter((line) => line.includes('| notice |'))).toEqual([
    'run | notice | web | notice: unknown-process',
    'run | notice | web | notice: unknown-process',
  ]);
});

it('opens nothing where somebody applies once and there is nothing to tell', () => {
  using once = open({ stays: false, causes: ['root asked to apply'] });
  apply(plan([]), once);
  expect(existsSync(join(stateDir, 'journal.tail'))).toBe(false);
});

it('tells what is left alone itself where nobody else does, and not again for every apply', () => {
  for (let n = 0; n < 3; n += 1) {
    using once = open({ stays: false, causes: ['root asked to apply'] });
    apply(plan([], [needs]), once);
  }
  expect(lines()).toEqual([
    'run | planned | - | root asked to apply: nothing to do, 1 held',
    'run | held | db | left alone: needs disk, which is not running',
  ]);
});

it('records an event of any other kind by its words, with what it holds', () => {
  const other = {
    kind: 'service-trouble',
    service: 'web',
    problem: {
      code: 'c',
      summary: 'cannot rotate its log',
      at: { file: 'f', line: 1, column: 2, length: 3, excerpt: 'x' },
    },
  } as const satisfies DaemonEvent;
  recorder.tell(other);
  recorder.tell({ kind: 'trouble', problem: { code: 'watch', summary: 'cannot watch' } });
  recorder.tell({ kind: 'verified', services: ['web', 'db'] });
  recorder.note('began', 'the daemon began');
  expect(lines()).toEqual([
    '- | service-trouble | web | f:1:2: cannot rotate its log',
    '- | trouble | - | cannot watch',
    '- | verified | web | changed, and stayed well',
    '- | verified | db | changed, and stayed well',
    '- | began | - | the daemon began',
  ]);
  expect(entries()[0]?.data).toEqual({
    problem: { code: 'c', summary: 'cannot rotate its log', at: { file: 'f', line: 1, column: 2, length: 3 } },
  });
});

it('lets no secret in: definitions and the texts of files are left out, all else is masked as in a plan', () => {
  const SECRET = 'hunter2';
  const service = { id: 'web', written: { environment: { PASSWORD: SECRET } } } as unknown as Service;
  const target = { service, definition: { hash: 'h', fields: { 'environment.PASSWORD': SECRET } } };
  const changes = [
    { field: 'command', effect: 'restart', from: ['x', '--password', SECRET], to: [`--token=${SECRET}`] },
    { field: 'health', effect: 'live', to: `https://u:${SECRET}@host/?token=${SECRET}` },
  ] as const;
  const files = [{ path: '/etc/x', from: SECRET, to: `PASSWORD=${SECRET}` }];
  const one = step('web', { target, files, reason: { kind: 'changed', changes } });
  const problem = {
    code: 'c',
    summary: `cannot reach https://u:${SECRET}@host`,
    detail: `http://h/?api_key=${SECRET}`,
  };
  recorder.tell({ kind: 'run', causes: [`git https://u:${SECRET}@host`] });
  apply(plan([one], [{ service: 'db', supervisor: 'builtin', reason: { kind: 'blocked', problem } }]));
  recorder.tell({ kind: 'step-ended', step: one, outcome: { kind: 'failed', problem }, took: 1 });
  recorder.tell({ kind: 'invalid', problems: [problem], inForce: undefined });
  recorder.note('began', `for https://u:${SECRET}@host`, { url: `https://u:${SECRET}@host` });
  expect(entries().length).toBeGreaterThan(6);
  expect(JSON.stringify(entries())).not.toContain(SECRET);
  expect(entries()[1]?.data).toMatchObject({ files: ['/etc/x'] });
});
