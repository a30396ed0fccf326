import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHost, type Host, until } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const shut = () => join(host.folder, 'positions');
const close = () => writeFileSync(shut(), '');
const open = () => rmSync(shut(), { force: true });
const engine = (release: string, gate: object = {}, extra: object = {}) =>
  host.write('engine', {
    supervisor: 'builtin',
    command: ['sleep', '600'],
    start: { ready: '0s' },
    environment: { RELEASE: release },
    gate: { exec: { command: ['test', '!', '-e', shut()] }, every: '300ms', ...gate },
    ...extra,
  });
const pid = () => host.processes().find(({ command }) => command === 'sleep 600')?.pid ?? 0;
const another = (before: number) => until(() => ![0, before].includes(pid()));
const waits = (): Readonly<Record<string, { readonly since: number; readonly until: number }>> =>
  JSON.parse(readFileSync(join(host.runtime, 'state', 'decisions', 'gates.json'), 'utf8'));

test('a change waits for its gate, and goes through soon after that opens; nothing else waits with it', async () => {
  engine('1');
  host.write('web', { supervisor: 'builtin', command: ['sleep', '700'], start: { ready: '0s' } });
  const daemon = await host.daemon();
  const first = await until(pid);
  close();
  engine('2');
  await daemon.saw('engine: left alone: its restart waits for its gate (exec test ! -e');
  host.write('web', { supervisor: 'builtin', command: ['sleep', '701'], start: { ready: '0s' } });
  await until(() => host.processes().some(({ command }) => command === 'sleep 701'));
  expect(pid()).toBe(first);
  const dry = await host.reconcile('--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.stdout).toMatch(/^ {2}! engine {2}held\n {6}its restart waits since \S+ for its gate/m);
  // What ends by itself is started again: a crash asks nobody.
  process.kill(first, 'SIGKILL');
  await another(first);
  const second = pid();
  open();
  await another(second);
  await daemon.saw(/engine: its gate \(exec test ! -e \S+\) passes, after \S+: what waited goes on/);
  await until(() => Object.keys(waits()).length === 0);
});

test('a dry run says that the gate passes, and a one-shot that it does not; --override passes it, with a reason', async () => {
  engine('1');
  expect(await host.reconcile()).toMatchObject({ code: 0 });
  const first = pid();
  engine('2');
  const dry = await host.reconcile('--dry-run');
  expect(dry.code).toBe(2);
  expect(dry.stdout).toContain(`      its gate passed: exec test ! -e ${shut()}\n`);
  const json = JSON.parse((await host.reconcile('--dry-run', '--json')).stdout) as { steps: { gates: unknown }[] };
  expect(json.steps[0]?.gates).toEqual([{ service: 'engine', gate: `exec test ! -e ${shut()}`, answer: 'passed' }]);
  close();
  const held = await host.reconcile();
  expect(held.code).toBe(3);
  expect(held.stdout).toMatch(/for its gate \(exec test ! -e\s+\S+\):\s+exit code 1$/m);
  expect(pid()).toBe(first);
  // It asks nobody before a start, nor where no process ends.
  expect(await host.reconcile('--override', 'the exchange is closed')).toMatchObject({ code: 0 });
  expect(pid()).not.toBe(first);
});

test('with a plan that was saved, the same gate is asked again, and it says so where it is shut by then', async () => {
  engine('1');
  await host.reconcile();
  const first = pid();
  engine('2');
  const file = join(host.folder, 'plan.json');
  expect(await host.reconcile('plan', '--out', file)).toMatchObject({ code: 2 });
  const { fingerprint } = JSON.parse(readFileSync(file, 'utf8')) as { fingerprint: string };
  await sleep(1100);
  // Time alone makes no other plan of it.
  const again = JSON.parse((await host.reconcile('--dry-run', '--json')).stdout) as { fingerprint: string };
  expect(again.fingerprint).toBe(fingerprint);
  close();
  expect(await host.reconcile('apply', file)).toMatchObject({ code: 1 });
  expect(pid()).toBe(first);
  open();
  expect(await host.reconcile('apply', file)).toMatchObject({ code: 0 });
  expect(pid()).not.toBe(first);
});

test('what passes in the plan and is shut right before the step is left, and waits', async () => {
  const count = join(host.folder, 'asked');
  // Passes the first time it is asked for this change, and not the second.
  const script = `echo x >> ${count}; test $(wc -l < ${count}) -ne 2`;
  engine('1', { exec: { command: ['sh', '-c', script] } });
  await host.reconcile();
  const first = pid();
  expect(existsSync(count)).toBe(false);
  engine('2', { exec: { command: ['sh', '-c', script] } });
  const result = await host.reconcile();
  expect(result.code).toBe(3);
  expect(result.stdout).toContain('did not replace engine: its gate passed a moment ago, and does not any more');
  expect(pid()).toBe(first);
  expect(Object.keys(waits())).toEqual(['engine']);
  expect(await host.reconcile()).toMatchObject({ code: 0 });
  expect(pid()).not.toBe(first);
  expect(waits()).toEqual({});
});

test('its time is over: `wait` goes on waiting and tells, `proceed` goes on', async () => {
  engine('1', { timeout: '1s' });
  const daemon = await host.daemon();
  const first = await until(pid);
  close();
  engine('2', { timeout: '1s' });
  await daemon.saw(/engine: its gate \(exec \S+ ! -e \S+\) has not passed for \S+: exit code 1; it goes on waiting/);
  expect(pid()).toBe(first);
  // The time counts from when the same was to be done first.
  engine('2', { timeout: '1s', otherwise: 'proceed' });
  await another(first);
  await daemon.saw('what waits is done all the same');
});

test('`ask` becomes an approval once its time is over', async () => {
  engine('1', { timeout: '1s', otherwise: 'ask' });
  const daemon = await host.daemon();
  const first = await until(pid);
  close();
  engine('2', { timeout: '1s', otherwise: 'ask' });
  await daemon.saw('a person is asked: reconcile approve');
  const shown = await host.reconcile('approve');
  expect(shown.code).toBe(2);
  expect(shown.stdout).toContain('its gate does not pass, and a person has it done all the same');
  const { plan } = JSON.parse((await host.reconcile('approve', '--json')).stdout) as { plan: string };
  const status = await host.reconcile();
  expect(status.code).toBe(3);
  expect(status.stdout).toContain('its restart waits for a person, since its gate');
  expect(pid()).toBe(first);
  expect(await host.reconcile('approve', plan)).toMatchObject({ code: 0 });
  expect(pid()).not.toBe(first);
});

test('a daemon that is killed while it waits, and the next one, wait as long as one would', async () => {
  engine('1', { timeout: '4s', otherwise: 'proceed' });
  const daemon = await host.daemon();
  const first = await until(pid);
  close();
  engine('2', { timeout: '4s', otherwise: 'proceed' });
  const { since, until: end } = (await until(() => (existsSync(decisions()) ? waits().engine : undefined))) ?? {
    since: 0,
    until: 0,
  };
  await daemon.stop('SIGKILL');
  await host.daemon();
  await sleep(500);
  expect(waits().engine).toMatchObject({ since, until: end });
  expect(pid()).toBe(first);
  await another(first);
  expect(Date.now()).toBeGreaterThanOrEqual(end);
});

const decisions = () => join(host.runtime, 'state', 'decisions', 'gates.json');

test('a stop, a rename and a removal ask the gate too; one that hangs is cut off, and one that can not be run is shut', async () => {
  engine('1');
  await host.reconcile();
  const first = pid();
  close();
  engine('1', {}, { state: 'stopped' });
  expect(await host.reconcile()).toMatchObject({ code: 3 });
  engine('1', {}, { state: 'absent' });
  expect(await host.reconcile()).toMatchObject({ code: 3 });
  host.remove('engine');
  host.write('motor', {
    ...{ supervisor: 'builtin', command: ['sleep', '600'], formerly: ['engine'], start: { ready: '0s' } },
    environment: { RELEASE: '1' },
    gate: { exec: { command: ['sleep', '60'] }, tryFor: '300ms' },
  });
  const hangs = await host.reconcile();
  expect(hangs).toMatchObject({ code: 3 });
  expect(hangs.stdout).toContain('did not end within\n      300ms, killed');
  host.remove('motor');
  engine('1', { exec: { command: ['/no/such/program'] } }, { state: 'stopped' });
  const broken = await host.reconcile();
  expect(broken).toMatchObject({ code: 3 });
  expect(broken.stdout.replace(/\s+/g, ' ')).toContain('cannot run /no/such/program: no such file');
  expect(pid()).toBe(first);
  open();
  engine('1', {}, { state: 'absent' });
  expect(await host.reconcile()).toMatchObject({ code: 0 });
  expect(pid()).toBe(0);
});
