import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DesiredState, DriftKind } from '../../src/model.ts';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { systemdHost } from '../rig/systemd/host.ts';
import { sh, variable } from '../rig/systemd/units.ts';
import { Fleet, PATIENT, type PlanJson } from './states/fleet.ts';
import { STATES } from './states/pairs.ts';

const UNITS = '/etc/systemd/system';
const VENDOR = '/usr/lib/systemd/system';
const HOUR = 3_600_000;

describeOnSystemd('what is left as it is', () => {
  let fleet: Fleet;
  let calm: readonly number[];
  const pids = async () => [await fleet.pid('bystander'), await fleet.pid('stranger')];

  beforeAll(async () => {
    fleet = new Fleet(await systemdHost());
    fleet.declare('bystander');
    fleet.install('stranger');
    await fleet.host.systemctl('start', 'stranger');
    expect(await fleet.apply()).toMatchObject({ code: 0, undone: [] });
    calm = await pids();
  });
  afterAll(() => fleet?.host[Symbol.asyncDispose]());
  afterEach(async () => {
    expect(await pids()).toEqual(calm);
  });

  /** Applies, and has nothing on the host changed by it; what was held, by service. */
  async function held(): Promise<ReadonlyMap<string, object>> {
    const before = await fleet.snapshot();
    const { code, undone, plan } = await fleet.apply();
    expect(await fleet.snapshot()).toBe(before);
    expect({ code, undone, steps: plan.steps }).toEqual({ code: 3, undone: [], steps: [] });
    return new Map(plan.held.map(({ service, reason }) => [service, reason]));
  }

  describe('what others have under the name of a service', () => {
    const kinds = ['alias', 'shipped', 'plain', 'masked'];
    const names = (kind: string) =>
      STATES.filter((state) => kind !== 'masked' || state !== 'absent').map((state) => `${kind}-${state}`);

    beforeAll(async () => {
      const { host } = fleet;
      for (const name of names('alias')) fleet.install(`owner-of-${name}`, { install: [`Alias=${name}.service`] });
      for (const name of names('shipped')) fleet.install(`owner-of-${name}`);
      for (const name of names('plain')) fleet.install(name, { folder: UNITS });
      for (const name of names('masked')) fleet.install(name);
      await sh(host, `for u; do ln -s owner-of-$u.service ${VENDOR}/$u.service; done`, ...names('shipped'));
      await sh(host, 'for u; do systemctl enable --now owner-of-$u; done', ...names('alias'));
      await sh(host, 'for u; do systemctl start owner-of-$u; done', ...names('shipped'));
      await host.systemctl('start', ...names('plain'));
      await host.systemctl('mask', ...names('masked'));
      for (const name of kinds.flatMap(names)) fleet.declare(name, { state: name.replace(/^[a-z]+-/, '') });
    });
    afterAll(() => fleet.undeclare(...kinds.flatMap(names)));

    it('is held, whatever is wanted, and not touched', async () => {
      const owners: Readonly<Record<string, (name: string) => string>> = {
        alias: (name) => `${UNITS}/${name}\\.service -> .*/owner-of-${name}\\.service`,
        shipped: (name) => `${VENDOR}/${name}\\.service -> owner-of-${name}\\.service`,
        plain: (name) => `${UNITS}/${name}\\.service`,
        masked: (name) => `${VENDOR}/${name}\\.service, which is masked`,
      };
      const expected = Object.entries(owners).flatMap(([kind, owner]) =>
        names(kind).map(
          (name) => [name, { kind: 'foreign', owner: expect.stringMatching(`^${owner(name)}$`) }] as const,
        ),
      );
      expect(await held()).toEqual(new Map(expected));
      const { stdout } = await fleet.host.reconcile('--dry-run');
      expect(stdout).toContain(`what has this name belongs to '${UNITS}/plain-running.service'`);
    });
  });

  describe('what has failed', () => {
    const names = ['spent', 'fatal', 'of-failed'];

    beforeAll(async () => {
      const { host } = fleet;
      fleet.declare('spent');
      fleet.declare('fatal', PATIENT);
      fleet.install('pkg-failed');
      fleet.breakdown('fatal');
      expect(await fleet.apply()).toMatchObject({ code: 3, undone: [{ service: 'fatal' }] });
      fleet.breakdown('spent');
      fleet.breakdown('pkg-failed');
      await sh(host, 'systemctl kill spent; systemctl enable --now pkg-failed');
      const failed = async () =>
        [...(await fleet.show(['spent', 'pkg-failed'])).values()].every(({ active }) => active === 'failed');
      await until(failed);
      fleet.mend();
      fleet.declareUnit('of-failed', 'pkg-failed', {});
    });
    afterAll(() => fleet.undeclare(...names));

    it('is not tried again while nothing changes', async () => {
      const reasons = await held();
      expect([...reasons.keys()]).toEqual(['fatal', 'of-failed', 'spent']);
      expect(reasons.get('spent')).toMatchObject({ kind: 'spent', run: { exit: { kind: 'code', code: 3 } } });
      expect(reasons.get('fatal')).toMatchObject({ kind: 'fatal', run: { exit: { kind: 'code', code: 3 } } });
      expect(reasons.get('of-failed')).toMatchObject({ kind: 'fatal', run: { exit: { kind: 'code', code: 3 } } });
    });

    it('is started by a person who asks for it', async () => {
      for (const name of names) expect(await fleet.apply('start', name)).toMatchObject({ code: 0, undone: [] });
      expect(await fleet.dryRun()).toMatchObject({ code: 0, plan: { steps: [], held: [] } });
    });

    it('is started by a change of its definition', async () => {
      fleet.breakdown('spent');
      await sh(fleet.host, 'systemctl kill spent');
      await until(async () => (await fleet.show(['spent'])).get('spent')?.active === 'failed');
      fleet.mend();
      fleet.declare('spent', { environment: { MARK: 'mended' } });
      expect(await fleet.apply()).toMatchObject({ code: 0, undone: [] });
      expect(variable(fleet.host, await fleet.pid('spent'), 'MARK')).toBe('mended');
    });
  });

  describe('what somebody changed by hand, with no change in Git', () => {
    const HANDS: readonly (readonly [name: string, state: DesiredState, what: DriftKind, byHand: string])[] = [
      ['halted', 'running', 'stopped', 'systemctl stop "$1"'],
      ['edited', 'running', 'edited', `sed -i s/MARK=declared/MARK=edited/ ${UNITS}/$1.service`],
      ['edited-stopped', 'stopped', 'edited', `sed -i s/MARK=declared/MARK=edited/ ${UNITS}/$1.service`],
      ['masked', 'running', 'blocked', `ln -sf /dev/null ${UNITS}/$1.service; systemctl daemon-reload`],
      [
        'halted-masked',
        'running',
        'blocked',
        `systemctl stop $1; ln -sf /dev/null ${UNITS}/$1.service; systemctl daemon-reload`,
      ],
      ['removed', 'running', 'removed', `rm ${UNITS}/$1.service; systemctl daemon-reload`],
      ['halted-removed', 'running', 'removed', `systemctl stop $1; rm ${UNITS}/$1.service; systemctl daemon-reload`],
      ['unlinked', 'running', 'disabled', 'systemctl disable "$1"'],
      ['linked', 'stopped', 'enabled', 'systemctl enable "$1"'],
      ['started', 'stopped', 'started', 'systemctl start "$1"'],
      [
        'unblocked',
        'disabled',
        'unblocked',
        `rm -r ${UNITS}/$1.service.d; systemctl daemon-reload; systemctl start $1`,
      ],
      ['linked-blocked', 'disabled', 'enabled', 'systemctl enable "$1"'],
      ['of-halted', 'running', 'stopped', 'systemctl stop pkg-$1'],
      ['of-masked', 'running', 'blocked', 'systemctl mask pkg-$1'],
      ['of-unmasked', 'disabled', 'unblocked', 'systemctl unmask pkg-$1'],
      ['of-started', 'stopped', 'started', 'systemctl start pkg-$1'],
    ];
    const names = HANDS.map(([name]) => name);
    const drift = { drift: 'hold' };
    let first: number;

    beforeAll(async () => {
      for (const [name, state] of HANDS) {
        if (name.startsWith('of-')) {
          fleet.install(`pkg-${name}`);
          fleet.declareUnit(name, `pkg-${name}`, { state, ...drift });
        } else fleet.declare(name, { state, ...drift });
      }
      await fleet.host.systemctl('daemon-reload');
      expect(await fleet.apply()).toMatchObject({ code: 0, undone: [] });
      for (const [name, , , byHand] of HANDS) await sh(fleet.host, byHand, name);
    });

    it('is seen by a dry run, and left', async () => {
      const { code, plan } = await fleet.dryRun();
      expect({ code, steps: plan.steps }).toEqual({ code: 0, steps: [] });
      expect(plan.held).toEqual(
        sorted(HANDS.map(([service, , what]) => ({ service, supervisor: 'systemd', reason: { kind: 'drift', what } }))),
      );
      const { stdout } = await fleet.host.reconcile('--dry-run');
      const said = stdout.replace(/\s+/g, ' ');
      expect(said).toContain(
        'somebody stopped it, and Git has not changed: left so for a while (`holds.for`), then made as Git says',
      );
      expect(said).toContain('to make it so now: reconcile release halted; to keep it: reconcile capture halted');
    });

    it('is held for an hour from the first apply that sees it, with nothing touched', async () => {
      first = Date.now();
      expect([...(await held()).keys()]).toEqual([...names].sort());
      for (const service of (await fleet.dryRun()).plan.held) {
        const { until } = service.reason as { readonly until: number };
        expect(until - first).toBeGreaterThan(HOUR - 1);
        expect(until).toBeLessThanOrEqual(Date.now() + HOUR);
      }
      // Every later one keeps the first one's word.
      const before = (await fleet.dryRun()).plan.held;
      await held();
      expect((await fleet.dryRun()).plan.held).toEqual(before);
    });

    it('is made right by a person who asks for it', async () => {
      const pid = await fleet.pid('masked');
      expect(await fleet.apply('start', 'halted', 'masked')).toMatchObject({ code: 0, undone: [] });
      const after = await fleet.show(['halted', 'masked']);
      expect(after.get('halted')).toMatchObject({ active: 'active' });
      expect(after.get('masked')).toMatchObject({ load: 'loaded', fileState: 'enabled', pid });
    });

    it('is made right by a change in Git', async () => {
      fleet.declare('unlinked', { ...drift, environment: { MARK: 'changed' } });
      fleet.declare('started', { ...drift, state: 'running' });
      const pid = await fleet.pid('started');
      expect(await fleet.apply('--only', 'unlinked', 'started')).toMatchObject({ code: 0, undone: [] });
      const after = await fleet.show(['unlinked', 'started']);
      expect(after.get('unlinked')).toMatchObject({ active: 'active', fileState: 'enabled' });
      expect(after.get('started')).toMatchObject({ active: 'active', fileState: 'enabled', pid });
      expect([...(await held()).keys()]).not.toContain('unlinked');
    });

    it('is made right when the hour is over', async () => {
      const file = '/var/lib/reconciled/decisions/services.json';
      fleet.host.write(file, fleet.host.read(file).replaceAll(/"until":\d+/g, `"until":${Date.now()}`));
      expect(await fleet.apply()).toMatchObject({ code: 0, undone: [], plan: { held: [] } });
      expect(await fleet.dryRun()).toMatchObject({ code: 0, plan: { steps: [], held: [] } });
      const units = HANDS.map(([name]) => (name.startsWith('of-') ? `pkg-${name}` : name));
      const shown = await fleet.show(units);
      for (const [i, [name, state]] of HANDS.entries()) {
        const active = state === 'running' || name === 'started' ? 'active' : 'inactive';
        expect(shown.get(units[i] ?? ''), name).toMatchObject({ active });
      }
    });

    it('is held for another hour when it is done again', async () => {
      await fleet.host.systemctl('stop', 'halted');
      const again = Date.now();
      expect([...(await held()).keys()]).toEqual(['halted']);
      const [hold] = (await fleet.dryRun()).plan.held;
      expect(hold?.reason).toEqual({ kind: 'drift', what: 'stopped', until: expect.any(Number) });
      expect(hold?.reason.kind === 'drift' && hold.reason.until).toBeGreaterThan(again + HOUR - 1);
    });

    it('is only told where the service asks for that', async () => {
      fleet.declare('halted', { drift: 'report' });
      const before = await fleet.snapshot();
      const { code, plan } = await fleet.apply();
      expect({ code, steps: plan.steps, held: plan.held }).toEqual({ code: 0, steps: [], held: [] });
      expect(plan.notices).toContainEqual({ kind: 'drift', service: 'halted', what: 'stopped' });
      expect(await fleet.snapshot()).toBe(before);
    });
  });

  describe('a unit of others', () => {
    it('is never removed: absent is refused with what to write', async () => {
      fleet.declareUnit('of-absent', 'stranger', { state: 'absent' });
      const before = await fleet.snapshot();
      for (const command of [['validate'], ['--dry-run'], []]) {
        const { code, stderr } = await fleet.host.reconcile(...command);
        expect({ command, code }).toEqual({ command, code: 1 });
        expect(stderr).toMatch(/services\/of-absent\.yaml.*never removed.*write `state: disabled`/s);
      }
      expect(await fleet.snapshot()).toBe(before);
      fleet.undeclare('of-absent');
    });

    it('is not managed by an alias: what is done by one name is not seen by the other', async () => {
      const states = STATES.filter((state) => state !== 'absent');
      for (const state of states) {
        fleet.install(`real-${state}`, { install: [`Alias=another-${state}.service`] });
        await fleet.host.systemctl('enable', '--now', `real-${state}`);
        fleet.declareUnit(`of-${state}`, `another-${state}`, { state });
      }
      const reasons = await held();
      for (const state of states) {
        const summary = `cannot manage another-${state}.service: it is another name of real-${state}.service`;
        const problem = { code: 'alias', summary, hint: `write \`unit: real-${state}.service\`` };
        expect(reasons.get(`of-${state}`)).toEqual({ kind: 'unreadable', problem });
      }
      fleet.undeclare(...states.map((state) => `of-${state}`));
    });

    it('that is not installed cannot be started', async () => {
      fleet.declareUnit('of-nothing', 'pkg-nothing', {});
      expect((await held()).get('of-nothing')).toMatchObject({
        kind: 'blocked',
        problem: { summary: 'cannot start of-nothing: there is no unit pkg-nothing.service' },
      });
      fleet.undeclare('of-nothing');
    });

    it('loses our settings and nothing else where they are pruned', async () => {
      fleet.install('pkg-pruned');
      fleet.declareUnit('of-pruned', 'pkg-pruned', { environment: { MARK: 'declared' }, start: { ready: '20ms' } });
      await fleet.host.systemctl('daemon-reload');
      await fleet.apply();
      const before = await fleet.show(['pkg-pruned']);
      fleet.undeclare('of-pruned');
      fleet.policy({ prune: { max: 100 } });
      expect(steps((await fleet.apply()).plan)).toContain('remove:of-pruned none');
      expect(await fleet.show(['pkg-pruned'])).toEqual(before);
      expect(fleet.host.exists(`${UNITS}/pkg-pruned.service.d`)).toBe(false);
      expect(await fleet.host.systemctl('show', 'pkg-pruned', '--property=Environment')).toBe('Environment=\n');
    });
  });
});

function steps({ steps }: PlanJson): string[] {
  return steps.map(({ id, effect }) => `${id} ${effect}`);
}

function sorted<T extends { readonly service: string }>(all: readonly T[]): T[] {
  return [...all].sort((a, b) => (a.service < b.service ? -1 : 1));
}
