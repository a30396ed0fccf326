import { expect, it } from 'vitest';
import { sinceOf } from '../../../src/cli/commands/history.ts';
import { PLAIN } from '../../../src/cli/style.ts';
import { type Explained, explainJson, explainText } from '../../../src/cli/views/explain.ts';
import { historyText } from '../../../src/cli/views/history.ts';
import { type Entry, entryFromJson, entryJson } from '../../../src/journal/entry.ts';
import type { ServiceStatus } from '../../../src/model.ts';

const BEGAN = Date.parse('2026-11-24T16:40:01.100Z');
let last = 0;

function entry(kind: string, more: Partial<Entry> = {}): Entry {
  last += 1;
  return { id: last, at: BEGAN + last * 100, kind, level: 'info', text: kind, data: {}, ...more };
}

const RUN = { run: 'mf3k', revision: '1a2b3c4d5e6f' };
const STEP = { id: 'replace:web', action: 'replace', effect: 'restart' };
const ENTRIES: readonly Entry[] = [
  entry('began', { text: 'the daemon began, pid 1' }),
  entry('planned', { ...RUN, text: 'files changed: 1 step (1 replace)' }),
  entry('step', {
    ...RUN,
    service: 'web',
    data: {
      ...STEP,
      seen: { kind: 'present', run: 'running', pid: 7 },
      reason: {
        kind: 'changed',
        changes: [{ field: 'command', effect: 'restart', from: ['sleep', '1'], to: ['sleep', '2'] }],
      },
    },
  }),
  entry('notice', { ...RUN, service: 'db', data: { kind: 'unknown-process', service: 'db', pid: 5 } }),
  entry('step-started', { ...RUN, service: 'web', text: 'replace...', data: { step: STEP } }),
  entry('state', { service: 'database', level: 'warn', text: 'RUNNING -> BACKOFF (ended with exit code 1)' }),
  entry('step-ended', {
    ...RUN,
    service: 'web',
    text: 'replace done in 350ms',
    data: { step: STEP, outcome: { kind: 'done', pid: 8, gap: { process: 12, ready: 40 } } },
  }),
  entry('applied', { ...RUN, text: 'applied: 1 done, 0 failed or skipped' }),
  entry('of the future', { at: BEGAN + 86_400_000, service: 'web', level: 'error', text: 'one line\nand another' }),
];

it('shows a line each, by day, what belongs to a run below it, and what comes between behind that', () => {
  expect(historyText(ENTRIES, { style: PLAIN, width: 100 })).toBe(`\
2026-11-24 UTC
16:40:01  the daemon began, pid 1
16:40:01  run mf3k  files changed: 1 step (1 replace); 1a2b3c4d5e6f
16:40:01    web       to do: restart pid 7, new definition; command: sleep 1 -> sleep 2
16:40:01    db        pid 5 left alone: it is not known from which definition it was started
16:40:01    web       replace done in 350ms, pid 8, 12ms without a process, 40ms until ready
16:40:01    applied: 1 done, 0 failed or skipped
16:40:01  database  RUNNING -> BACKOFF (ended with exit code 1)

2026-11-25 UTC
16:40:01  web       one line
                    and another
`);
});

it('breaks long lines below their first word, and says where a step has not ended', () => {
  const begun = ENTRIES.filter(({ kind }) => kind === 'step-started' || kind === 'step');
  expect(historyText(begun, { style: PLAIN, width: 50, alone: true })).toBe(`\
2026-11-24 UTC
16:40:01    to do: restart pid 7, new definition;
            command: sleep 1 -> sleep 2
16:40:01    replace begun
`);
});

it('sends nothing to a terminal but text', () => {
  const text = historyText([entry('health', { service: 'web', text: 'unhealthy (\u001b[2J\u009b1m\u202e)' })], {
    style: PLAIN,
    width: 100,
  });
  expect(text.split('\n')[1]?.slice(10)).toBe('web  unhealthy (\\u001b[2J\\u009b1m\\u202e)');
});

it('shows what it can of what another version recorded', () => {
  const odd = ['step', 'step-ended', 'notice'].map((kind) =>
    entry(kind, { service: 'web', text: 'words', data: null }),
  );
  expect(historyText(odd, { style: PLAIN, width: 80, alone: true }).match(/words/g)).toHaveLength(3);
});

it('gives programs one object an entry', () => {
  for (const entry of ENTRIES) expect(entryFromJson(JSON.parse(JSON.stringify(entryJson(entry))))).toEqual(entry);
  expect(entryJson(ENTRIES[0] as Entry)).toEqual({
    id: 1,
    at: '2026-11-24T16:40:01.200Z',
    run: null,
    kind: 'began',
    service: null,
    revision: null,
    level: 'info',
    text: 'the daemon began, pid 1',
    data: {},
  });
});

it('takes a time or how long ago, in UTC', () => {
  const now = Date.parse('2026-11-24T16:40:00Z');
  const iso = (text: string) => new Date(sinceOf(text, now)).toISOString();
  expect(iso('2h')).toBe('2026-11-24T14:40:00.000Z');
  expect(iso('1d2h')).toBe('2026-11-23T14:40:00.000Z');
  expect(iso('2026-11-20')).toBe('2026-11-20T00:00:00.000Z');
  expect(iso('2026-11-20 12:30')).toBe('2026-11-20T12:30:00.000Z');
  expect(iso('2026-11-20T12:30:10+02:00')).toBe('2026-11-20T10:30:10.000Z');
  for (const bad of ['yesterday', '2026-13-40', '2026', '', '5']) expect(() => sinceOf(bad, now), bad).toThrow();
});

const ROW: ServiceStatus = {
  name: 'web',
  group: null,
  supervisor: 'builtin',
  desired: 'running',
  state: 'RUNNING',
  missing: false,
  pid: 8,
  since: '2026-11-24T16:40:02.000Z',
  restarts: 1,
  health: 'healthy',
  level: 'HEALTHY',
  waitingFor: null,
  definition: 'current',
  revision: '1a2b3c4d5e6f',
  note: null,
};
const EXPLAINED: Explained = {
  name: 'web',
  origin: {
    revision: '1a2b3c4d5e6f+changes',
    commit: { commit: '1a2b3c4d5e6f7890', subject: 'web: sleep longer', author: 'Jane Doe', at: BEGAN },
  },
  entries: ENTRIES.filter(({ run, service }) => run !== undefined && (service === undefined || service === 'web')),
  leftOut: 3,
  journal: undefined,
  now: [ROW],
  plan: { steps: [], held: [], notices: [] },
  daemon: true,
};
const ends = (explained: Partial<Explained>) =>
  explainText({ ...EXPLAINED, entries: [], leftOut: 0, origin: undefined, ...explained }, { style: PLAIN, width: 100 })
    .replace('Nothing is recorded of it.\n\n', '')
    .trimEnd()
    .split('\n');

it('tells one timeline from the commit to what is now', () => {
  expect(explainText(EXPLAINED, { style: PLAIN, width: 100 })).toBe(`\
From commit 1a2b3c4d5e6f "web: sleep longer" by Jane Doe, 2026-11-24 16:40 UTC, with changes that
are not committed

2026-11-24 UTC
16:40:01  run mf3k  files changed: 1 step (1 replace); 1a2b3c4d5e6f
16:40:01    to do: restart pid 7, new definition; command: sleep 1 -> sleep 2
16:40:01    replace done in 350ms, pid 8, 12ms without a process, 40ms until ready
16:40:01    applied: 1 done, 0 failed or skipped

(3 more between: reconcile history web)

Now:  RUNNING under builtin, pid 8, since 2026-11-24 16:40:02 UTC, 1 restart, HEALTHY, last applied:
      1a2b3c4d5e6f
Why:  it is as Git says
Next: nothing has to be done
`);
  expect(explainJson(EXPLAINED)).toMatchObject({
    name: 'web',
    commit: { subject: 'web: sleep longer', at: '2026-11-24T16:40:01.100Z' },
    leftOut: 3,
    now: [{ state: 'RUNNING' }],
    verdicts: [{ why: 'it is as Git says', next: 'nothing has to be done' }],
  });
});

it('says why it is as it is, and what to do next', () => {
  const held = {
    service: 'web',
    supervisor: 'builtin',
    reason: {
      kind: 'fatal',
      run: { kind: 'fatal', exit: { kind: 'code', code: 1 }, at: 1, reason: 'it ended 3 times' },
    },
  } as const;
  expect(ends({ plan: { steps: [], held: [held], notices: [] }, now: [] })).toEqual([
    'Now: not there.',
    'Why:  it is held: FATAL: it ended 3 times',
    'Next: mend it, then: reconcile start web',
  ]);
  const step = {
    id: 'start:web',
    service: 'web',
    supervisor: 'builtin',
    action: 'start',
    effect: 'start',
    reason: { kind: 'not-running', run: 'stopped' },
    after: [],
    seen: { kind: 'present', hash: 'h', run: 'stopped' },
  } as const;
  expect(ends({ plan: { steps: [step], held: [], notices: [] }, daemon: false }).slice(-2)).toEqual([
    'Why:  it is not as Git says: start; it should run, and is stopped',
    'Next: to see it: reconcile --dry-run; to have it done: reconcile',
  ]);
  const problems = [{ code: 'c', summary: 'unknown key', hint: 'did you mean x?' }];
  expect(ends({ plan: { problems } }).slice(-2)).toEqual([
    "Why:  what Git says can't be applied: unknown key",
    'Next: did you mean x?',
  ]);
  const note = 'waiting for a first start: it has none; to try again: reconcile start web';
  expect(ends({ now: [{ ...ROW, note }] }).slice(-2)).toEqual([
    'Why:  waiting for a first start: it has none',
    'Next: to try again: reconcile start web',
  ]);
});
