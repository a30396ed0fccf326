import { expect, it } from 'vitest';
import type { Observed, Plan, Reading, Run } from '../../../src/model.ts';
import { exitAllowed } from '../../../src/planner/exits.ts';
import { plan } from '../../../src/planner.ts';
import { actual, define, FATAL, input, planned, RUNNING, read, STOPPED, service } from './make.ts';

const ids = ({ steps }: Plan) => steps.map(({ id }) => id);
const effects = ({ steps }: Plan) => steps.map(({ id, effect }) => `${id} ${effect}`);
const holds = ({ held }: Plan) => held.map(({ service, reason }) => `${service} ${reason.kind}`);
const notices = (made: Plan) => made.notices.map(({ kind, service }) => `${service} ${kind}`);

const web = service('web');
const changed = service('web', { written: { command: ['/bin/web', '--new'] } });
const tuned = service('web', { written: { stop: { timeout: '1s' } } });
const EXIT = { kind: 'code', code: 1 } as const;
const STALE: Run = { ...RUNNING, definition: 'stale' };
const BACKOFF: Run = { kind: 'backoff', until: 1, exit: EXIT };
const SPENT: Run = { kind: 'held', until: 1, exit: EXIT, reason: '5 restarts within 10m' };
const FIRST: Run = { kind: 'stopped', started: false };

it('restarts for a restart field alone, and leaves the pid alone for a live one', () => {
  expect(effects(planned([changed], read(actual(web))))).toEqual(['replace:web restart']);
  expect(effects(planned([tuned], read(actual(web))))).toEqual(['update:web pid unchanged']);
  expect(
    ids(planned([{ ...web, written: { ...web.written, description: 'x', group: 'g' } }], read(actual(web)))),
  ).toEqual([]);
});

it('goes by the hash: a record edited by hand is put right without a restart', () => {
  const edited = { ...actual(web), definition: { hash: define(web).hash, fields: define(changed).fields } };
  expect(effects(planned([web], read(edited)))).toEqual(['update:web pid unchanged']);
});

it('takes a field that this version does not know for no reason to restart', () => {
  const definition = define(web);
  const newer = { hash: 'ffffffffffffffff', fields: { ...definition.fields, novelty: 1 } };
  expect(effects(planned([web], read({ ...actual(web), definition: newer })))).toEqual(['update:web pid unchanged']);
});

it('tells what it saw, with the pid', () => {
  const { hash } = define(web);
  expect(planned([changed], read(actual(web))).steps[0]?.seen).toEqual({
    kind: 'present',
    hash,
    run: 'running',
    pid: 4711,
  });
  expect(planned([web], read()).steps[0]?.seen).toEqual({ kind: 'absent' });
});

it('leaves FATAL and HELD alone until the definition changes or a person asks', () => {
  for (const [run, reason] of [
    [FATAL, 'fatal'],
    [SPENT, 'spent'],
  ] as const) {
    const made = planned([web], read(actual(web, run)));
    expect([ids(made), holds(made)]).toEqual([[], [`web ${reason}`]]);
    expect(effects(planned([changed], read(actual(web, run))))).toEqual(['replace:web start']);
    expect(effects(planned([web], read(actual(web, run)), { asked: ['web'] }))).toEqual(['start:web start']);
    const live = planned([tuned], read(actual(web, run)));
    expect([effects(live), holds(live)]).toEqual([['update:web none'], [`web ${reason}`]]);
  }
});

it('leaves restarts to supervision', () => {
  expect(ids(planned([web], read(actual(web, BACKOFF))))).toEqual([]);
  expect(effects(planned([changed], read(actual(web, BACKOFF))))).toEqual(['replace:web restart']);
});

it('waits for a first start, after a boot and after a rename of nothing that ran', () => {
  const shy = service('web', { autostart: false });
  const made = planned([shy], read());
  expect([effects(made), notices(made)]).toEqual([['create:web none'], ['web first-start']]);
  expect(notices(planned([shy], read(actual(shy, FIRST))))).toEqual(['web first-start']);
  expect(ids(planned([shy], read(actual(shy, STOPPED))))).toEqual(['start:web']);
  expect(ids(planned([shy], read(actual(shy, FIRST)), { asked: ['web'] }))).toEqual(['start:web']);
  expect(ids(planned([web], read(actual(web, FIRST))))).toEqual(['start:web']);
});

it('carries the run state over a rename', () => {
  const renamed = service('web', { autostart: false, formerly: ['old'] });
  const old = service('old');
  expect(effects(planned([renamed], read(actual(old))))).toEqual(['remove:old stop', 'create:web start']);
  expect(effects(planned([renamed], read(actual(old, STOPPED))))).toEqual(['remove:old none', 'create:web none']);
  expect(planned([renamed], read(actual(old))).steps[1]?.after).toEqual(['remove:old']);
});

it('does not stop the old name of what can not be started', () => {
  const renamed = service('web', { formerly: ['old'] });
  const blocked = new Map([['web', { code: 'no-command', summary: 'cannot start web: no such file' }]]);
  const made = planned([renamed], read(actual(service('old'))), { blocked });
  expect([ids(made), holds(made)]).toEqual([[], ['web blocked']]);
});

it('chooses a rename as a whole, by either name', () => {
  const services = [service('web', { formerly: ['old'] }), service('api')];
  for (const only of ['web', 'old']) {
    expect(ids(planned(services, read(actual(service('old'))), { only: [only] }))).toEqual([
      'remove:old',
      'create:web',
    ]);
  }
});

it('starts a staged service anew with its change, but restarts none', () => {
  const staged = { ...changed, changes: 'staged' as const };
  expect(effects(planned([staged], read(actual(web))))).toEqual(['update:web pid unchanged']);
  expect(notices(planned([staged], read(actual(staged, STALE))))).toEqual(['web staged']);
  expect(effects(planned([staged], read(actual(web, STOPPED))))).toEqual(['replace:web start']);
});

it('leaves the run state of a manual service as found', () => {
  const manual = service('web', { state: 'manual' });
  for (const run of [RUNNING, STALE, STOPPED, FATAL, SPENT, BACKOFF])
    expect(ids(planned([manual], read(actual(manual, run))))).toEqual([]);
  expect(effects(planned([manual], read()))).toEqual(['create:web none']);
  expect(effects(planned([manual], read(actual(manual, STOPPED)), { asked: ['web'] }))).toEqual(['start:web start']);
});

it('stops what would start again, and leaves what has ended', () => {
  const stopped = service('web', { state: 'disabled' });
  for (const run of [RUNNING, BACKOFF, SPENT])
    expect(effects(planned([stopped], read(actual(stopped, run))))).toEqual(['stop:web stop']);
  for (const run of [STOPPED, FATAL]) expect(ids(planned([stopped], read(actual(stopped, run))))).toEqual([]);
});

it('finishes a stop that was interrupted', () => {
  const stopping: Run = { kind: 'stopping', pid: 7 };
  expect(ids(planned([service('web', { state: 'stopped' })], read(actual(web, stopping))))).toEqual(['stop:web']);
  expect(ids(planned([web], read(actual(web, stopping))))).toEqual(['start:web']);
});

it('starts what has ended against its policy', () => {
  const exited = (code: number): Run => ({ kind: 'exited', exit: { kind: 'code', code }, at: 1 });
  const job = (policy: 'always' | 'on-failure' | 'never') => service('job', { written: { restart: { policy } } });
  expect(ids(planned([job('always')], read(actual(job('always'), exited(0)))))).toEqual(['start:job']);
  expect(ids(planned([job('on-failure')], read(actual(job('on-failure'), exited(0)))))).toEqual([]);
  expect(ids(planned([job('on-failure')], read(actual(job('on-failure'), exited(2)))))).toEqual(['start:job']);
  expect(ids(planned([job('never')], read(actual(job('never'), exited(2)))))).toEqual([]);
});

it('leaves a unit of others that has ended well', () => {
  const job = service('job', { written: { unit: 'job.service' } });
  expect([0, 2].map((code) => exitAllowed(job, { kind: 'code', code }))).toEqual([true, false]);
});

it('prunes nothing by default, nothing beyond the cap, and nothing that may be a rename', () => {
  const left = ['a', 'b', 'c'].map((name) => actual(service(name)));
  const made = planned([], read(...left));
  expect([ids(made), notices(made)]).toEqual([[], ['a leftover', 'b leftover', 'c leftover']]);
  expect(ids(planned([], read(...left), { prune: { kind: 'on', max: 3 } }))).toEqual([
    'remove:a',
    'remove:b',
    'remove:c',
  ]);
  const capped = planned([], read(...left), { prune: { kind: 'on', max: 2 } });
  expect([ids(capped), holds(capped)]).toEqual([[], ['a prune-cap', 'b prune-cap', 'c prune-cap']]);
  const renamed = service('new', { written: { command: ['/bin/a'] } });
  const doubtful = planned([renamed], read(...left), { prune: { kind: 'on', max: 3 } });
  expect([ids(doubtful), holds(doubtful)]).toEqual([['remove:b', 'remove:c'], ['new maybe-renamed']]);
});

it('removes instances beyond the count, and with a changed form never runs both', () => {
  const one = (instance: number) => service('w', { instance });
  expect(ids(planned([one(1)], read(actual(one(1)), actual(one(2)))))).toEqual(['remove:w@2']);
  const introduced = planned([one(1), one(2)], read(actual(service('w'))));
  expect(ids(introduced)).toEqual(['remove:w', 'create:w@1', 'create:w@2']);
  expect(introduced.steps[1]?.after).toEqual(['remove:w']);
});

it('takes the place of a removed service with the same program only once that is gone', () => {
  const made = planned(
    [service('a', { state: 'absent' }), service('b', { written: { command: ['/bin/a'] } })],
    read(actual(service('a'))),
  );
  expect(made.steps.map(({ id, after }) => [id, after])).toEqual([
    ['remove:a', []],
    ['create:b', ['remove:a']],
  ]);
});

it('makes no second copy of what another supervisor has or may have', () => {
  const problem = { code: 'x', summary: 'cannot ask systemd' };
  const seen = (builtin: Reading, systemd: Reading): Observed =>
    new Map([
      ['builtin', builtin],
      ['systemd', systemd],
    ]);
  const elsewhere = planned([web], seen(read(), read(actual(web))));
  expect([ids(elsewhere), holds(elsewhere)]).toEqual([['create:web', 'handover:web'], []]);
  expect(elsewhere.steps.map(({ effect, after }) => [effect, after])).toEqual([
    ['none', []],
    ['restart', ['create:web']],
  ]);
  const silent = planned([web], seen(read(), { kind: 'unreadable', problem }));
  expect([ids(silent), holds(silent)]).toEqual([[], ['web unreadable']]);
  expect(ids(planned([web], seen(read(actual(web, STOPPED)), { kind: 'unreadable', problem })))).toEqual(['start:web']);
  expect(holds(planned([web], new Map()))).toEqual(['web unreadable']);
});

it('holds what needs something that is not there, and all that needs that', () => {
  const chain = [service('a'), service('b', { after: ['a'] }), service('c', { after: ['b'] })];
  expect(holds(planned(chain, read(actual(service('a'), FATAL))))).toEqual(['a fatal', 'b needs', 'c needs']);
  expect(ids(planned(chain, read(actual(service('a')))))).toEqual(['create:b', 'create:c']);
  expect(holds(planned(chain, read(actual(service('a'))), { only: ['c'] }))).toEqual(['c needs']);
});

it('needs every instance of what it is after', () => {
  const w = (instance: number) => service('w', { instance });
  const made = planned([w(1), w(2), service('x', { after: ['w'] })], read(actual(w(1), FATAL)));
  expect(holds(made)).toEqual(['w@1 fatal', 'x needs']);
  expect(planned([w(1), w(2), service('x', { after: ['w'] })], read()).steps.at(-1)?.after).toEqual([
    'create:w@1',
    'create:w@2',
  ]);
});

it('says what a cycle is instead of looping', () => {
  const cycle = [service('a', { after: ['b'] }), service('b', { after: ['a'] })];
  expect(() => planned(cycle, read())).toThrow('cannot order: a cycle among a, b');
});

it('masks secrets in what has changed', () => {
  const secret = (DB_PASSWORD: string) => service('web', { written: { environment: { DB_PASSWORD } } });
  expect(JSON.stringify(planned([secret('new-one')], read(actual(secret('old-one')))).steps[0]?.reason)).not.toMatch(
    /-one/,
  );
});

it('keeps its fingerprint when only a pid changed that no step would stop', () => {
  const other: Run = { ...RUNNING, pid: 4712 };
  const print = (service: typeof web, run: Run) => planned([service], read(actual(web, run))).fingerprint;
  expect(print(tuned, RUNNING)).toBe(print(tuned, other));
  expect(print(changed, RUNNING)).not.toBe(print(changed, other));
});

it('keeps its fingerprint when a definition has changed back and forth, and changes it with the definition', () => {
  const given = input([changed], read(actual(web)));
  const definitions = new Map([['web', define(service('web', { written: { command: ['/bin/web', '--newer'] } }))]]);
  expect(plan(given).fingerprint).toBe(plan(input([changed], read(actual(web)))).fingerprint);
  expect(plan({ ...given, definitions }).fingerprint).not.toBe(plan(given).fingerprint);
});

it('writes a definition before the stop or restart that comes with it', () => {
  const stopped = service('web', { state: 'stopped', written: { stop: { timeout: '1s' } } });
  const both = (made: Plan) => made.steps.map(({ id, after }) => [id, after]);
  expect(both(planned([stopped], read(actual(web))))).toEqual([
    ['update:web', []],
    ['stop:web', ['update:web']],
  ]);
  expect(both(planned([tuned], read(actual(web, STALE))))).toEqual([
    ['update:web', []],
    ['restart:web', ['update:web']],
  ]);
});

it('removes nothing that another supervisor has and could not read', () => {
  const lost = { kind: 'unreadable', id: 'old', problem: { code: 'x', summary: 'cannot read old' } } as const;
  const observed: Observed = new Map([
    ['builtin', read(actual(service('old')))],
    ['systemd', read(lost)],
  ]);
  const made = planned([], observed, { prune: { kind: 'on', max: 9 } });
  expect([ids(made), holds(made)]).toEqual([[], ['old unreadable']]);
});

it('starts nothing that needs what this plan stops', () => {
  const services = [service('db', { state: 'stopped' }), service('web', { state: 'manual', after: ['db'] })];
  const observed = read(actual(service('db')), actual(web, STOPPED));
  const made = planned(services, observed, { asked: ['web'] });
  expect([ids(made), holds(made)]).toEqual([['stop:db'], ['web needs']]);
});

it('starts what went down with what runs it, and takes nothing from that before it is up', () => {
  const runner = service('super', { runs: 'systemd' });
  const under = (name: string, more = {}) => service(name, { supervisor: 'systemd', after: ['super'], ...more });
  const down: Run = { kind: 'stopped', started: false, stoppedWith: 'super' };
  const programs = [under('web'), under('gone', { state: 'absent' }), under('off', { state: 'stopped' })];
  const settled = new Set(['super', 'web']);
  const plan = (run: Run) => {
    const written = under('off', { written: { stop: { timeout: '1s' } } });
    const objects = [actual(under('web'), down), actual(under('gone'), down), actual(written, down)];
    const observed: Observed = new Map([
      ['builtin', read(actual(runner, run))],
      ['systemd', read(...objects)],
    ]);
    return planned([runner, ...programs], observed, { settled });
  };
  const ended = plan({ kind: 'exited', exit: EXIT, at: 0 });
  expect(Object.fromEntries(ended.steps.map(({ id, after }) => [id, after]))).toEqual({
    'start:super': [],
    'start:web': ['start:super'],
    'remove:gone': ['start:super'],
    'update:off': ['start:super'],
  });
  expect(holds(ended)).toEqual([]);
  // Stopped by somebody, it stays down, and so do they.
  const left = plan({ kind: 'stopped', started: true, byHand: true });
  expect(ids(left).filter((id) => id.startsWith('start'))).toEqual([]);
  expect(holds(left)).toEqual(['super drift', 'web stopped-with']);
});
