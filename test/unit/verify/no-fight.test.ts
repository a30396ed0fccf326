import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Kind, type Version, World } from './world.ts';

const IDS = ['a', 'b', 'c'] as const;
type Id = (typeof IDS)[number];

type Act =
  | { readonly kind: 'commit'; readonly changes: Readonly<Partial<Record<Id, Kind | 'gone'>>>; readonly fuse: number }
  | { readonly kind: 'pass'; readonly ms: number; readonly fuse: number }
  | { readonly kind: 'stop'; readonly id: Id }
  | { readonly kind: 'ask'; readonly id: Id };

/** Most runs are not killed. */
const fuse = fc.oneof({ weight: 2, arbitrary: fc.constant(99) }, fc.integer({ min: 0, max: 8 }));
const kind = fc.constantFrom<Kind | 'gone'>('good', 'good', 'good', 'fails', 'dies', 'gone');
const changes = fc.record({ a: kind, b: kind, c: kind }, { requiredKeys: [] });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), changes, fuse }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 12_000 }), fuse }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), id: fc.constantFrom(...IDS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ask' as const), id: fc.constantFrom(...IDS) }) },
);

/**
 * Any commits, good and bad for each service, and whatever happens between them: each version that is bad is started once
 * for a commit, what is good follows Git, and at rest nothing bad is there that could be put back.
 */
it('auto-sync and rollback never fight, whatever is committed, killed, stopped or asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 14 }), async (acts) => {
      using world = new World();
      let versions: Readonly<Record<string, Version>> = {};
      let number = 0;
      let commits = 0;
      let commit = '';
      /** What people did that may have a bad version started once more, by commit and service. */
      const allowed = new Map<string, number>();
      const allow = (id: Id) => allowed.set(`${commit} ${id}`, (allowed.get(`${commit} ${id}`) ?? 0) + 1);
      const push = (changes: Readonly<Partial<Record<Id, Kind | 'gone'>>>) => {
        commits += 1;
        commit = `${commits}x`;
        const next: Record<string, Version> = { ...versions };
        for (const [id, kind] of Object.entries(changes)) {
          number += 1;
          if (kind === 'gone') delete next[id];
          else next[id] = { number, kind };
        }
        versions = next;
        world.commit(commit, versions);
      };
      for (const one of acts) {
        if (one.kind === 'commit') {
          push(one.changes);
          await world.run(one.fuse);
        } else if (one.kind === 'pass') await world.pass(one.ms, one.fuse);
        else if (one.kind === 'stop') {
          if (world.stop(one.id)) allow(one.id);
          await world.run();
        } else if (versions[one.id] !== undefined) {
          allow(one.id);
          await world.run(99, [one.id]);
        }
      }
      for (let i = 0; i < 6; i++) await world.pass(11_000);

      const kinds = new Map(Object.entries(versions).map(([id, { number, kind }]) => [id, { number, kind }]));
      for (const [key, count] of world.starts) {
        const [of = '', id = '', version] = key.split(' ');
        const isBad = of === commit && kinds.get(id)?.number === Number(version) && kinds.get(id)?.kind !== 'good';
        if (isBad) expect(count, key).toBeLessThanOrEqual(1 + (allowed.get(`${of} ${id}`) ?? 0));
      }
      const { steps } = world.plan();
      expect(steps).toEqual([]);
      for (const [id, { number, kind }] of kinds) {
        if (kind === 'good') expect([id, world.runs(id)]).toEqual([id, number]);
        else expect(world.book().quarantine?.services[id], id).toBeDefined();
      }
      for (const trial of Object.values(world.book().trials)) expect(trial.phase).toBe('failed');

      // A new commit clears all that, and what is good by then runs.
      push({ a: 'good', b: 'good', c: 'good' });
      await world.run();
      for (let i = 0; i < 3; i++) await world.pass(11_000);
      for (const id of IDS) expect([id, world.runs(id)]).toEqual([id, versions[id]?.number]);
      expect(world.book()).toMatchObject({ trials: {} });
      expect(world.book().quarantine).toBeUndefined();
    }),
    { numRuns: Number(process.env.RUNS ?? 100) },
  );
}, 1_200_000);

it('what was proven is what is gone back to, commit after bad commit', async () => {
  using world = new World();
  world.commit('1x', { a: { number: 1, kind: 'good' } });
  await world.run();
  await world.pass(11_000);
  for (const [number, kind] of [
    [2, 'fails'],
    [3, 'dies'],
    [4, 'fails'],
  ] as const) {
    world.commit(`${number}x`, { a: { number, kind } });
    await world.run();
    for (let i = 0; i < 3; i++) await world.pass(11_000);
    expect(world.runs('a')).toBe(1);
  }
  world.commit('5x', { a: { number: 5, kind: 'good' } });
  await world.run();
  expect(world.runs('a')).toBe(5);
});
