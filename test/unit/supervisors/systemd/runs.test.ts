import { expect, it } from 'vitest';
import type { ListedUnit, Manager } from '../../../../src/supervisors/systemd/manager.ts';
import { unitOf } from '../../../../src/supervisors/systemd/properties.ts';
import { runOf } from '../../../../src/supervisors/systemd/runs.ts';
import { UNIT } from './bus-fake.ts';

const EXITED = 1;
const KILLED = 2;

const SERVICE = {
  Type: 'exec',
  Restart: 'always',
  MainPID: 0,
  NRestarts: 0,
  Result: 'success',
  ExecMainCode: 0,
  ExecMainStatus: 0,
  ExecMainStartTimestamp: 0,
  ExecMainExitTimestamp: 0,
  ControlGroup: '',
};

/** How a unit without a process is taken; times are microseconds, as systemd 252 tells them. */
function run(
  all: object,
  fields: Readonly<Record<string, string>> = {},
  listed: readonly ListedUnit[] = [],
  others: Readonly<Record<string, object>> = {},
) {
  const unit = Object.fromEntries(Object.entries(UNIT).map(([name, [, value]]) => [name, value]));
  const properties = unitOf({ ...unit, ...SERVICE, ...all });
  const made = { id: 'web', unit: 'web.service', hash: 'a', fields: { 'restart.cooldown': 60_000, ...fields } };
  const manager = {
    unit: async (name: string) => unitOf({ ...unit, ...SERVICE, ...others[name], Id: name }),
  } as Manager;
  return runOf({ manager, listed: new Map(listed.map((other) => [other.name, other])) }, properties, made);
}

/** It is told to stop, and then its process ends. */
const ASKED = {
  InactiveExitTimestamp: 3_556_195_541,
  ExecMainStartTimestamp: 3_556_192_894,
  ActiveExitTimestamp: 3_558_287_077,
  ExecMainExitTimestamp: 3_558_289_628,
  InactiveEnterTimestamp: 3_558_289_837,
};
/** Its process ends, and so it is told to have ended. */
const BY_ITSELF = {
  InactiveExitTimestamp: 3_556_400_813,
  ExecMainStartTimestamp: 3_556_398_551,
  ExecMainExitTimestamp: 3_556_630_882,
  ActiveExitTimestamp: 3_556_631_322,
  InactiveEnterTimestamp: 3_556_631_322,
};
/** It waited to be restarted once more, and was not. */
const LIMIT = {
  ExecMainStartTimestamp: 3_556_490_026,
  ExecMainExitTimestamp: 3_556_623_944,
  ActiveExitTimestamp: 3_556_624_982,
  InactiveExitTimestamp: 3_556_625_870,
  InactiveEnterTimestamp: 3_556_687_333,
};
const CODE_4 = {
  ActiveState: 'failed',
  SubState: 'failed',
  Result: 'exit-code',
  ExecMainCode: EXITED,
  ExecMainStatus: 4,
};
const CODE_0 = { ExecMainCode: EXITED, ExecMainStatus: 0 };

it('is HELD where it was restarted as often as its limit allows, whatever the result is called', async () => {
  const held = { kind: 'held', until: 3_556_687 + 60_000, exit: { kind: 'code', code: 4 } };
  expect(await run({ ...CODE_4, ...LIMIT, NRestarts: 3 })).toMatchObject(held);
  expect(await run({ ...CODE_4, ...ASKED, Result: 'start-limit-hit' })).toMatchObject({ kind: 'held' });
});

it('was stopped by somebody, whatever exit code it has for that', async () => {
  const byHand = { kind: 'stopped', started: true, byHand: true };
  expect(await run({ ...CODE_4, ...ASKED })).toEqual(byHand);
  expect(await run({ ...CODE_4, ...ASKED, NRestarts: 7 })).toEqual(byHand);
  expect(await run({ ...CODE_4, ...ASKED, Restart: 'no' })).toEqual(byHand);
  expect(
    await run({ ...ASKED, ActiveState: 'failed', Result: 'timeout', ExecMainCode: KILLED, ExecMainStatus: 9 }),
  ).toEqual(byHand);
  expect(await run({ ...CODE_0, ...ASKED })).toEqual(byHand);
  expect(await run({ ...CODE_0, ...ASKED, Restart: 'on-failure' }, { 'restart.policy': 'on-failure' })).toEqual(byHand);
});

it('was stopped by nobody where systemd gave it up and that was cleared', async () => {
  const cleared = { ExecMainCode: EXITED, ExecMainStatus: 4, NRestarts: 0 };
  expect(await run({ ...cleared, ...LIMIT })).toEqual({ kind: 'stopped', started: true });
});

it('was stopped by nobody where what it needs is down', async () => {
  const db = (active: string, job?: string) => ({ name: 'db.service', load: 'loaded', active, job }) as ListedUnit;
  const beside = (unit: ListedUnit) => run({ ...CODE_4, ...ASKED, Requires: ['db.service'] }, {}, [unit]);
  const stopped = { kind: 'stopped', started: true };
  expect(await beside(db('inactive'))).toEqual({ ...stopped, stoppedWith: 'db.service' });
  // It is stopped after what needs it.
  expect(await beside(db('active', 'stop'))).toEqual({ ...stopped, stoppedWith: 'db.service' });
  expect(await beside(db('failed'))).toEqual(stopped);
  expect(await beside(db('deactivating', 'restart'))).toEqual(stopped);
  expect(await beside(db('active'))).toEqual({ ...stopped, byHand: true });
  expect(await run({ ...CODE_4, ...ASKED, Requires: ['db.service'] }, {}, [])).toEqual({
    kind: 'stopped',
    started: true,
  });
});

it('was stopped by nobody where what it needs was stopped with it, and is up again', async () => {
  const db = { name: 'db.service', load: 'loaded', active: 'active' } as ListedUnit;
  const beside = (times: object) =>
    run({ ...CODE_4, ...ASKED, Requires: ['db.service', 'a.slice'] }, {}, [db, { ...db, name: 'a.slice' }], {
      'db.service': times,
    });
  const { ActiveExitTimestamp: asked, InactiveEnterTimestamp: ended } = ASKED;
  const nobody = { kind: 'stopped', started: true };
  const somebody = { ...nobody, byHand: true };
  expect(await beside({ ActiveExitTimestamp: asked - 5000, InactiveExitTimestamp: ended + 9_000_000 })).toEqual(nobody);
  expect(await beside({ ActiveExitTimestamp: ended + 5000, InactiveExitTimestamp: ended + 9_000_000 })).toEqual(nobody);
  // It has run all the while.
  expect(await beside({ ActiveExitTimestamp: 0, InactiveExitTimestamp: 1 })).toEqual(somebody);
  expect(await beside({ ActiveExitTimestamp: asked - 9_000_000, InactiveExitTimestamp: asked - 8_000_000 })).toEqual(
    somebody,
  );
});

it('is being stopped by somebody where systemd was asked to, and not to restart it', async () => {
  const ending = { ActiveState: 'deactivating', SubState: 'stop-sigterm', MainPID: 7 };
  const web = (job: string | undefined) => ({ name: 'web.service', active: 'deactivating', job }) as ListedUnit;
  expect(await run(ending, {}, [web('stop')])).toEqual({ kind: 'stopping', pid: 7, byHand: true });
  expect(await run(ending, {}, [web(undefined)])).toEqual({ kind: 'stopping', pid: 7 });
  // The list was made before.
  const before = { name: 'web.service', active: 'active', job: undefined } as ListedUnit;
  expect(await run({ ...ending, Job: [3, '/job/3'] }, {}, [before])).toEqual({
    kind: 'stopping',
    pid: 7,
    byHand: true,
  });
  const needed = { ...ending, PartOf: ['db.service'] };
  const db = (job: string | undefined) =>
    ({ name: 'db.service', load: 'loaded', active: 'deactivating', job }) as ListedUnit;
  expect(await run(needed, {}, [web('stop'), db(undefined)])).toEqual({ kind: 'stopping', pid: 7 });
  expect(await run(needed, {}, [web('stop'), db('stop')])).toEqual({
    kind: 'stopping',
    pid: 7,
    stoppedWith: 'db.service',
  });
});

it('waits for a start that systemd has been asked for', async () => {
  const web = (active: string, job: string) => ({ name: 'web.service', active, job }) as ListedUnit;
  const job = { Job: [3, '/job/3'] };
  const coming = { kind: 'backoff', exit: { kind: 'code', code: 4 } };
  expect(await run({ ...CODE_4, ...ASKED, ...job }, {}, [web('failed', 'start')])).toMatchObject(coming);
  expect(await run({ ...CODE_4, ActiveState: 'inactive', ...job }, {}, [web('inactive', 'start')])).toMatchObject(
    coming,
  );
  const ending = { ...CODE_4, ActiveState: 'deactivating', ...job };
  expect(await run(ending, {}, [web('deactivating', 'restart')])).toMatchObject(coming);
  // It is over since the list was made.
  expect(await run({ ...CODE_4, ...ASKED }, {}, [web('failed', 'start')])).toMatchObject({ kind: 'stopped' });
});

it('has ended by itself, as its policy allows', async () => {
  const policy = { 'restart.policy': 'never' };
  const exited = (code: number) => ({ kind: 'exited', exit: { kind: 'code', code }, at: 3_556_631 });
  expect(await run({ ...CODE_0, ...BY_ITSELF, Restart: 'no' }, policy)).toEqual(exited(0));
  expect(await run({ ...CODE_4, ...BY_ITSELF, Restart: 'no' }, policy)).toEqual(exited(4));
  expect(await run({ ...BY_ITSELF, Restart: 'no', ExecMainCode: KILLED, ExecMainStatus: 15 }, policy)).toEqual({
    ...exited(0),
    exit: { kind: 'signal', signal: 'SIGTERM' },
  });
});

it('is a one-shot that somebody stopped, long after its process has ended', async () => {
  const oneshot = { ...CODE_0, Type: 'oneshot', Restart: 'no' };
  const stopped = {
    InactiveExitTimestamp: 1,
    ExecMainExitTimestamp: 2,
    ActiveExitTimestamp: 3,
    InactiveEnterTimestamp: 3,
  };
  expect(await run({ ...oneshot, ...stopped })).toEqual({ kind: 'stopped', started: true, byHand: true });
  const ended = { InactiveExitTimestamp: 1, ExecMainExitTimestamp: 2, InactiveEnterTimestamp: 3 };
  expect(await run({ ...oneshot, ...ended })).toMatchObject({ kind: 'exited' });
});

it('is a unit of others that is never restarted, and has failed: FATAL', async () => {
  expect(await run({ ...CODE_4, ...BY_ITSELF, Restart: 'no' })).toMatchObject({ kind: 'fatal', reason: 'exit code 4' });
  expect(await run({ ...CODE_0, ...BY_ITSELF, Restart: 'no' })).toMatchObject({ kind: 'exited' });
});

it('could not be started: FATAL', async () => {
  const never = { InactiveExitTimestamp: 5_000, ExecMainExitTimestamp: 6_000, InactiveEnterTimestamp: 7_000 };
  expect(await run({ ...CODE_4, ...never })).toMatchObject({ kind: 'fatal', reason: 'exit code 4' });
  // A stop of an earlier time says nothing of this start.
  expect(await run({ ...CODE_4, ...never, ActiveExitTimestamp: 4_000 })).toMatchObject({ kind: 'fatal' });
  expect(await run({ ...ASKED, ActiveState: 'failed', Result: 'resources', Restart: 'no' })).toMatchObject({
    kind: 'fatal',
    reason: 'systemd could not set it up',
  });
});
