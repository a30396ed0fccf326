import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { systemdHost } from '../rig/systemd/host.ts';
import { type Shown, sh } from '../rig/systemd/units.ts';
import { Fleet, PATIENT, said } from './states/fleet.ts';
import { faultsOfOthers, OTHERS } from './states/others.ts';
import { faultsOfOurs, OURS } from './states/ours.ts';
import { type Pair, type Walk, walk, words } from './states/pairs.ts';

const UNITS = '/etc/systemd/system';

/** One of ours and two of strangers, all running, which no pair is about: they keep their processes. */
const BYSTANDERS = ['bystander', 'stranger', 'masked-stranger'];

describeOnSystemd('every state from every starting point', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = new Fleet(await systemdHost());
    fleet.declare('bystander');
    fleet.install('stranger', { folder: UNITS });
    fleet.install('masked-stranger');
    await fleet.host.systemctl('enable', '--now', 'stranger', 'masked-stranger');
    await fleet.host.systemctl('mask', 'masked-stranger');
    expect(await fleet.apply()).toMatchObject({ code: 0, undone: [] });
  });
  afterAll(() => fleet?.host[Symbol.asyncDispose]());

  const tables = [
    {
      whose: 'a service of ours',
      pairs: OURS,
      faults: faultsOfOurs,
      install: async (_: Fleet) => {},
      declare: ({ service, start }: Pair, state: string) =>
        fleet.declare(service, { state, ...(start.broken ? PATIENT : {}) }),
    },
    {
      whose: 'a unit of others',
      pairs: OTHERS,
      faults: faultsOfOthers,
      install: async ({ host }: Fleet) => {
        for (const { unit, start } of OTHERS) {
          const folder = start.own ? { folder: UNITS } : {};
          if (!start.missing) fleet.install(unit, { install: [`Alias=alias-of-${unit}.service`], ...folder });
        }
        await host.systemctl('daemon-reload');
      },
      declare: ({ service, unit, start }: Pair, state: string) => {
        const settings = start.settings ? { environment: { MARK: 'declared' }, start: { ready: '20ms' } } : {};
        fleet.declareUnit(service, unit, { state, ...settings });
      },
    },
  ];

  describe.each(tables)('$whose', ({ pairs, faults, install, declare }) => {
    let walked: Walk;
    beforeAll(async () => {
      await install(fleet);
      walked = await walk(fleet, pairs, declare, BYSTANDERS);
    });

    it.each(pairs.map((pair): [string, Pair] => [words(pair), pair]))('%s', (_, pair) => {
      const { before, foreseen, applied, after, next } = walked;
      const [was, is] = [before.get(pair.unit) as Shown, after.get(pair.unit) as Shown];
      const plans = [foreseen, applied, next].map(({ plan }) => said(plan, pair.service));
      const told = `${plans.join('\n')}\n${JSON.stringify([was, is])}`;
      expect(faults(fleet.host, pair, was, is), told).toEqual([]);
      expect(
        next.plan.steps.filter(({ service }) => service === pair.service),
        told,
      ).toEqual([]);
      const kinds = next.plan.notices.flatMap((notice) => (notice.service === pair.service ? [notice.kind] : []));
      const besides = pair.start.besides && pair.state !== 'absent' ? ['besides'] : [];
      const unknown = pair.start.unset && pair.state === 'manual' ? ['unknown-process'] : [];
      expect(kinds, told).toEqual([...besides, ...unknown]);
    });

    it('all of that in one run, as the dry run had foretold, and nobody else was touched', () => {
      const { before, foreseen, applied, after, next } = walked;
      expect(applied).toMatchObject({ code: 0, undone: [], plan: { held: [] } });
      expect(foreseen.code).toBe(2);
      expect(applied.plan).toEqual(foreseen.plan);
      expect(next).toMatchObject({ code: 0, plan: { steps: [], held: [] } });
      const told = new Set(next.plan.notices.map(({ service }) => service));
      for (const unit of BYSTANDERS) {
        expect(before.get(unit)).toMatchObject({ active: 'active', pid: expect.any(Number) });
        expect(after.get(unit)).toEqual(before.get(unit));
        expect(told).not.toContain(unit);
      }
    });

    it('what is disabled cannot be started by hand', async () => {
      const disabled = pairs
        .filter(({ state, start }) => state === 'disabled' && !start.missing)
        .map(({ unit }) => unit);
      await sh(fleet.host, 'systemctl start "$@" || true', ...disabled);
      const up = [...(await fleet.show(disabled))].filter(([, { active }]) => active === 'active');
      expect(up).toEqual([]);
      expect(await fleet.dryRun()).toMatchObject({ code: 0, plan: { steps: [], held: [] } });
    });
  });
});
