import { describe, expect, it } from 'vitest';
import type { HealthState, Run } from '../../../src/model.ts';
import { type Book, EMPTY, type Trial, withProven } from '../../../src/verify/book.ts';
import { digestOf } from '../../../src/verify/digest.ts';
import { failed, judge, onFailureOf, soakOf } from '../../../src/verify/machine.ts';
import { type AllProven, withServices } from '../../../src/verify/proven.ts';
import { at, desired, service } from './declare.ts';

const web = service('web', { environment: { VERSION: '2' } });
const before = service('web', { environment: { VERSION: '1' } });
const NOW = 100_000;
const SOAK = 10_000;
const soaking: Extract<Trial, { phase: 'soaking' }> = {
  digest: digestOf(web),
  phase: 'soaking',
  since: NOW,
  boot: 'b',
  pid: 7,
};
const well: HealthState = { kind: 'healthy' };
const running: Run = { kind: 'running', pid: 7, since: 0, definition: 'current' };
const exit = { kind: 'code', code: 3 } as const;
const seen = (run: Run | undefined, more: { health?: HealthState; now?: number; trial?: typeof soaking } = {}) =>
  judge(more.trial ?? soaking, { run, health: more.health ?? well, boot: 'b' }, web, SOAK, more.now ?? NOW + 1);

describe('what soaks', () => {
  it('is proven once it has stayed well for its time, and not before', () => {
    expect(seen(running, { now: NOW + SOAK - 1 })).toEqual({ kind: 'goes-on' });
    expect(seen(running, { now: NOW + SOAK })).toEqual({ kind: 'proven' });
  });

  it('is not proven by a probe that has not answered, nor by a clock that was put back, with which it begins anew', () => {
    expect(seen(running, { now: NOW + SOAK, health: { kind: 'unknown' } })).toEqual({ kind: 'goes-on' });
    expect(seen(running, { now: NOW - 1 })).toMatchObject({ kind: 'found', pid: 7 });
  });

  it('has failed with another pid, its end, or a failing probe of its own', () => {
    expect(seen({ ...running, pid: 8 })).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('was 7 and is 8'),
    });
    expect(seen({ kind: 'backoff', until: 0, exit })).toMatchObject({ kind: 'failed' });
    expect(seen({ kind: 'exited', at: 0, exit })).toMatchObject({ kind: 'failed' });
    expect(seen({ kind: 'fatal', at: 0, exit, reason: 'x' })).toMatchObject({ kind: 'failed' });
    expect(seen({ kind: 'held', until: 0, exit, reason: 'x' })).toMatchObject({ kind: 'failed' });
    const sick = { kind: 'unhealthy', probe: 'api', why: 'refused', about: 'self' } as const;
    expect(seen(running, { health: sick })).toEqual({ kind: 'failed', why: 'its probe api failed: refused' });
  });

  it('has not failed because what it depends on does', () => {
    const sick = { kind: 'unhealthy', probe: 'db', why: 'refused', about: 'dependency' } as const;
    expect(seen(running, { health: sick })).toEqual({ kind: 'goes-on' });
    expect(seen(running, { health: sick, now: NOW + SOAK })).toEqual({ kind: 'proven' });
  });

  it('may end as its policy allows', () => {
    const job = service('web', { restart: { policy: 'on-failure' } });
    const ended = { kind: 'exited', at: 0, exit: { kind: 'code', code: 0 } } as const;
    expect(judge(soaking, { run: ended, health: well, boot: 'b' }, job, SOAK, NOW)).toEqual({ kind: 'proven' });
  });

  it('begins anew where somebody stopped it, or the host was booted', () => {
    expect(seen({ kind: 'stopped', started: true })).toEqual({ kind: 'interrupted' });
    expect(judge(soaking, { run: running, health: well, boot: 'c' }, web, SOAK, NOW)).toEqual({ kind: 'interrupted' });
  });

  it('goes on while nothing can be read of it', () => {
    expect(seen(undefined, { now: NOW + 2 * SOAK })).toEqual({ kind: 'goes-on' });
  });

  it('is known by its first process, and may still be on its way to it', () => {
    const { pid: _, ...unknown } = soaking;
    expect(seen(running, { trial: unknown, now: NOW + SOAK })).toEqual({ kind: 'found', pid: 7 });
    expect(seen({ kind: 'backoff', until: 0, exit }, { trial: unknown })).toEqual({ kind: 'goes-on' });
  });

  it("soaks for its own time, else the policy's, else 30 s", () => {
    expect(soakOf(service('a', { soak: '5s' }), desired([], at('1')))).toBe(5000);
    expect(soakOf(web, desired([], at('1')))).toBe(10_000);
    expect(soakOf(web, desired([], at('1'), {}))).toBe(30_000);
  });
});

describe('what did not stay well', () => {
  const now = desired([web], at('b'));
  const proven: AllProven = withServices([before], desired([before], at('a')), new Map(), EMPTY);
  const tried: Book = { ...EMPTY, trials: { web: soaking } };
  const fail = (book: Book, more: { proven?: AllProven; web?: typeof web } = {}) =>
    failed(book, more.web ?? web, 'it fell over', { desired: now, proven: more.proven ?? proven, now: NOW });

  it('is put back to what was proven, which has to stay well too', () => {
    const { book, failed } = fail(tried);
    expect(failed.then).toEqual({ kind: 'back', to: `a${'0'.repeat(11)}` });
    expect(book.quarantine).toMatchObject({ of: at('b'), by: 'verify', services: { web: { to: before } } });
    expect(book.trials).toEqual({ web: { digest: digestOf(before), phase: 'applying' } });
  });

  it('is left alone where that does not stay well either: no third try', () => {
    const { book, failed } = fail(fail(tried).book, { web: before });
    expect(failed.then).toMatchObject({ kind: 'left' });
    expect(book.quarantine?.services.web).toMatchObject({ to: before, left: true });
    expect(book.trials.web?.phase).toBe('failed');
  });

  it('is not there again where it was not there before, and what it took the place of is', () => {
    const renamed = service('site', { formerly: ['web'] });
    const state = desired([renamed], at('b'));
    const trials = { site: { digest: digestOf(renamed), phase: 'applying', fresh: true } } as const;
    const { book } = failed({ ...EMPTY, trials }, renamed, 'it fell over', { desired: state, proven, now: NOW });
    expect(book.quarantine?.services).toMatchObject({ site: { to: 'absent' }, web: { to: before } });
  });

  it('takes all of its pool back with it where it is new among them, and is left where they can not go back', () => {
    const pool = (events: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        ...service('ear', {
          supervisor: 'supervisord/x',
          instances: count,
          raw: { supervisord: [['eventlistener', 'events', events]] } as never,
        }),
        id: `ear@${i + 1}`,
        instance: i + 1,
      }));
    const [old, now] = [pool('TICK_5', 2), pool('TICK_5', 3)];
    const [, , third] = now;
    if (third === undefined) throw new Error('no third');
    const trials = { [third.id]: { digest: digestOf(third), phase: 'applying', fresh: true } as Trial };
    const all = { desired: desired(now, at('b')), now: NOW };
    const book: Book = { ...EMPTY, trials };
    const fails = (proven: AllProven, of: Book = book) => failed(of, third, 'it fell over', { ...all, proven });
    const well = (some: typeof now, revision: string) =>
      withServices(some, desired(some, at(revision)), new Map(), EMPTY);
    const back = fails(well(old, 'a'));
    expect(back.failed.then).toEqual({ kind: 'back', to: undefined });
    const made = Object.entries(back.book.quarantine?.services ?? {}).map(([id, { to }]) => [id, to]);
    expect(Object.fromEntries(made)).toEqual({ 'ear@1': old[0], 'ear@2': old[1], 'ear@3': 'absent' });

    for (const proven of [well(now.slice(0, 2), 'b'), new Map()]) {
      const left = fails(proven);
      expect(left.failed.then).toMatchObject({ kind: 'left' });
      expect(Object.keys(left.book.quarantine?.services ?? {})).toEqual(['ear@3']);
    }
  });

  it('is left to its supervisor where it is new on a host of which nothing is known to have been well', () => {
    const fresh = { ...EMPTY, trials: { web: { digest: digestOf(web), phase: 'applying', fresh: true } } } as const;
    const told = fail(fresh, { proven: new Map() });
    expect(told.failed.then).toEqual({ kind: 'told' });
    expect(told.book).toMatchObject({ trials: { web: { phase: 'failed' } } });
    expect(told.book.quarantine).toBeUndefined();
    const known = { ...fresh, history: [at('a')] };
    expect(fail(known, { proven: new Map() }).failed.then).toEqual({ kind: 'back', to: undefined });
    const wanted = service('web', { onFailure: 'rollback' });
    expect(fail(fresh, { proven: new Map(), web: wanted }).failed.then).toEqual({ kind: 'back', to: undefined });
  });

  it('names the commit that changed it, though Git has gone on since', () => {
    const changed = { web: { digest: digestOf(web), phase: 'applying', by: 'cafe' } } as const;
    const { book, failed } = fail({ ...EMPTY, trials: changed });
    expect(failed).toMatchObject({ by: 'cafe', why: 'it fell over', revision: at('b') });
    expect(book.quarantine?.services.web?.why).toBe('changed by cafe: it fell over');
  });

  it('is left alone where nothing of it is known to have been well', () => {
    const { failed, book } = fail(tried, { proven: new Map() });
    expect(failed.then).toMatchObject({ kind: 'left' });
    expect(book.quarantine?.services.web).toMatchObject({ to: 'as-git', left: true });
  });

  it('is only told where that is wanted so', () => {
    const { book, failed } = fail(tried, { web: service('web', { onFailure: 'alert' }) });
    expect(failed.then).toEqual({ kind: 'told' });
    expect(book.quarantine).toBeUndefined();
    expect(fail(tried, { web: service('web', { onFailure: 'hold' }) }).failed.then).toEqual({ kind: 'left' });
  });

  it('is rolled back by default only where it was committed', () => {
    expect(onFailureOf(web, now)).toBe('rollback');
    expect(onFailureOf(web, { ...now, revision: { ...at('b'), dirty: true } })).toBe('alert');
    expect(onFailureOf(web, { ...now, revision: { content: 'x' } })).toBe('alert');
    expect(onFailureOf(web, desired([], { content: 'x' }, { onFailure: 'hold' }))).toBe('hold');
  });
});

it('remembers the commits of which everything stayed well, each once, the last one last', () => {
  const book = ['a', 'b', 'a', 'a'].reduce((book, commit) => withProven(book, at(commit)), EMPTY);
  expect(book.history.map(({ commit }) => commit?.[0])).toEqual(['b', 'a']);
  expect(withProven(book, { ...at('c'), dirty: true })).toBe(book);
});
