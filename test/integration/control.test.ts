import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const sleeper = (extra: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', '600'],
  start: { ready: '0s' },
  ...extra,
});
const changed = { environment: { A: '1' } };
const policy = (extra: object) => host.write('policy.yaml', JSON.stringify({ owner: host.owner, ...extra }));
/** Of what runs by itself: to ask for a status takes too long on a busy machine. */
const pids = () =>
  Object.fromEntries(
    host
      .processes()
      .filter(({ command }) => command === 'sleep 600')
      .map(({ stamp, pid }) => [stamp.split(':')[2] ?? '', pid]),
  );
const pid = (name: string) => pids()[name] ?? 0;
/** Another than before. */
const another = (name: string, before: number | undefined) => until(() => ![0, before].includes(pid(name)));
const waiting = async (): Promise<string> =>
  (JSON.parse((await host.reconcile('approve', '--json')).stdout) as { plan: string | null }).plan ?? '';
const decision = (name: string): unknown =>
  JSON.parse(readFileSync(join(host.runtime, 'state', 'decisions', name), 'utf8'));

/** All processes are gone, and all that lives until the next boot. */
async function reboot(): Promise<void> {
  await until(() => {
    for (const { pid } of host.processes()) process.kill(pid, 'SIGKILL');
    return host.processes().length === 0;
  });
  const kept = ['state', 'logs'];
  for (const name of readdirSync(host.runtime).filter((one) => !kept.includes(one)))
    rmSync(join(host.runtime, name), { recursive: true });
}

/** One that is shut for so many seconds from now on: it opened with this minute, and shuts within it. */
async function shutFor(seconds: number): Promise<object> {
  if (new Date().getSeconds() > 58 - seconds) await sleep((61 - new Date().getSeconds()) * 1000);
  const now = new Date();
  const ms = now.getSeconds() * 1000 + now.getMilliseconds() + seconds * 1000;
  return { cron: '* * * * *', duration: `${ms}ms`, reason: 'not yet' };
}

test('a change waits for an approval, and is applied with it, once', async () => {
  host.write('web', sleeper({ confirm: true }));
  const daemon = await host.daemon();
  await daemon.saw('web: left alone: its creation waits for `reconcile approve');
  expect(pid('web')).toBe(0);
  const shown = await host.reconcile('approve');
  expect(shown).toMatchObject({ code: 2, stderr: '' });
  expect(shown.stdout).toMatch(/^ {2}\+ web {2}create and start$/m);
  const first = await waiting();
  expect(shown.stdout).toContain(`reconcile approve ${first}`);
  const wrong = await host.reconcile('approve', '0123456789');
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain(`cannot approve 0123456789: what waits now is ${first}, for web`);
  expect(await host.reconcile('approve', first)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Applied: 1 done'),
  });
  const before = pid('web');
  expect(before).toBeGreaterThan(0);

  host.write('web', sleeper({ confirm: true, ...changed }));
  await until(async () => (await waiting()) !== '');
  const second = await waiting();
  expect(second).not.toBe(first);
  // It is kept running all the while.
  process.kill(before, 'SIGKILL');
  await another('web', before);
  const restarted = pid('web');
  // What supervision has done is no other work.
  expect(await waiting()).toBe(second);
  // An approval is used up, and a stale one is refused.
  expect(await host.reconcile('approve', first)).toMatchObject({ code: 1 });
  expect(await host.reconcile('approve', second)).toMatchObject({ code: 0 });
  expect(pid('web')).not.toBe(restarted);
  expect(decision('approvals.json')).toEqual([]);
  expect(await host.reconcile('approve')).toMatchObject({ code: 0, stdout: 'Nothing waits for an approval.\n' });
});

test('without a daemon an approval is applied here and now, and a start by name needs none', async () => {
  host.write('web', sleeper({ confirm: true }));
  host.write('db', sleeper({ confirm: true }));
  expect(await host.reconcile()).toMatchObject({ code: 3 });
  expect(await host.reconcile('start', 'db')).toMatchObject({ code: 0 });
  expect(Object.keys(pids()).sort()).toEqual(['db']);
  expect(await host.reconcile('approve', await waiting())).toMatchObject({ code: 0 });
  expect(Object.keys(pids()).sort()).toEqual(['db', 'web']);
});

test('what is frozen waits until it ends by itself, and is told who froze it and why', async () => {
  host.write('web', sleeper());
  host.write('db', sleeper());
  const daemon = await host.daemon();
  await until(() => Object.keys(pids()).length === 2);
  const before = pids();
  const frozen = await host.reconcile(
    'freeze',
    'web',
    '--reason',
    'the auditors are here',
    '--for',
    '15s',
    '--by',
    'ann',
  );
  expect(frozen).toMatchObject({ code: 0, stderr: '' });
  await daemon.saw('web is frozen by ann until');
  host.write('web', sleeper(changed));
  host.write('db', sleeper(changed));
  await daemon.saw('web: left alone: its restart waits, frozen by ann: the auditors are here');
  await another('db', before.db);
  expect(pid('web')).toBe(before.web);
  const status = await host.reconcile('status');
  expect(status.stdout).toMatch(/^web is frozen by ann until \S+: the auditors are here$/m);
  await daemon.saw('web is no longer frozen');
  await another('web', before.web);
});

test('unfreezing has done at once what waited; --override does not wait, and is recorded with its reason', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  const first = await until(() => pid('web'));
  expect(await host.reconcile('freeze', '--reason', 'audit')).toMatchObject({ code: 0 });
  host.write('web', sleeper(changed));
  await daemon.saw('its restart waits, frozen by');
  expect(await host.reconcile('start', 'web')).toMatchObject({ code: 3 });
  expect(await host.reconcile('--override', ' ')).toMatchObject({ code: 1 });
  expect(pid('web')).toBe(first);
  expect(await host.reconcile('--override', 'the disk is full')).toMatchObject({ code: 0 });
  await daemon.saw(/windows, freezes and gates are passed over, \S+ says: the disk is full/);
  const second = pid('web');
  expect(second).not.toBe(first);
  host.write('web', sleeper({ environment: { A: '2' } }));
  await until(async () => (await host.reconcile('--dry-run')).stdout.includes('! web'));
  expect(await host.reconcile('unfreeze')).toMatchObject({ code: 0 });
  await another('web', second);
  expect(await host.reconcile('unfreeze', 'web')).toMatchObject({ code: 1 });
});

test('what waits for a window is applied when that opens, without anybody doing anything', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  const before = await until(() => pid('web'));
  const deny = [await shutFor(10)];
  policy({ windows: { deny } });
  host.write('web', sleeper(changed));
  await daemon.saw('web: left alone: its restart waits for its time: not yet');
  expect(pid('web')).toBe(before);
  const { stdout } = await host.reconcile('status');
  expect(stdout).toMatch(/^changes wait until \S+: not yet$/m);
  await another('web', before);
});

test('mode: observe tells, and never acts; what runs is kept running', async () => {
  host.write('web', sleeper());
  const daemon = await host.daemon();
  const before = await until(() => pid('web'));
  policy({ mode: 'observe' });
  host.write('web', sleeper(changed));
  host.write('fresh', sleeper());
  await daemon.saw('web: left alone: its restart is only told: `mode: observe`');
  await daemon.saw('fresh: left alone: its creation is only told');
  expect(await host.reconcile('--override', 'now')).toMatchObject({ code: 3 });
  expect(await host.reconcile('start', 'fresh')).toMatchObject({ code: 3 });
  await sleep(500); // nothing may be done
  expect(pids()).toEqual({ web: before });
  process.kill(before, 'SIGKILL');
  await another('web', before);
  expect(pid('fresh')).toBe(0);
});

test('after a boot what was running runs again, frozen or not; what was to change still waits', async () => {
  host.write('web', sleeper());
  host.write('db', sleeper());
  expect(await host.reconcile()).toMatchObject({ code: 0 });
  expect(await host.reconcile('freeze', '--reason', 'audit')).toMatchObject({ code: 0 });
  expect(await host.reconcile()).toMatchObject({ code: 0 });
  host.write('db', sleeper(changed));
  expect(await host.reconcile()).toMatchObject({ code: 3 });
  await reboot();
  const daemon = await host.daemon();
  await daemon.saw('db: left alone: its creation waits, frozen by');
  await until(() => pid('web'));
  expect(Object.keys(pids())).toEqual(['web']);
});

test('the services of a group take turns, and what fails keeps the rest as they are', async () => {
  const names = ['a', 'b', 'c'];
  policy({ groups: { dolphin: { maxUnavailable: 1 } } });
  for (const name of names) host.write(name, sleeper({ group: 'dolphin' }));
  await host.daemon();
  await until(() => Object.keys(pids()).length === 3);
  const before = pids();
  host.write(
    'policy.yaml',
    JSON.stringify({ owner: host.owner, groups: { dolphin: { maxUnavailable: 1 } }, verify: { onFailure: 'alert' } }),
  );
  // All at once, as a commit would.
  const broken = sleeper({ group: 'dolphin', command: ['sh', '-c', 'exit 3'], start: { ready: '1s', retries: 0 } });
  expect(await host.reconcile('freeze', 'dolphin:*', '--reason', 'one change')).toMatchObject({ code: 0 });
  host.write('a', sleeper({ group: 'dolphin', ...changed }));
  host.write('b', broken);
  host.write('c', sleeper({ group: 'dolphin', ...changed }));
  await until(async () => (await host.reconcile('--dry-run')).stdout.includes('! c'));
  expect(await host.reconcile('unfreeze')).toMatchObject({ code: 0 });
  await another('a', before.a);
  await until(async () => (await host.status()).find(({ name }) => name === 'b')?.state === 'FATAL');
  let stdout = '';
  await until(async () => {
    ({ stdout } = await host.reconcile('--dry-run'));
    return stdout.includes('b already');
  });
  expect(stdout).toContain("of group 'dolphin' no more than 1 may be down");
  expect(pid('c')).toBe(before.c);
});

test('an approval that was written down is carried out by whoever runs next', async () => {
  host.write('web', sleeper({ confirm: true }));
  const daemon = await host.daemon();
  await daemon.saw('web: left alone');
  const plan = await waiting();
  await daemon.stop('SIGKILL');
  const { held } = JSON.parse((await host.reconcile('--dry-run', '--json')).stdout) as {
    held: { service: string; reason: { work: string } }[];
  };
  const work = held[0]?.reason.work;
  // As one leaves it that was killed between the two.
  const path = join(host.runtime, 'state', 'decisions', 'approvals.json');
  writeFileSync(path, JSON.stringify([{ service: 'web', work, plan, by: 'ann', at: 1 }]));
  await host.daemon();
  await until(() => pid('web'));
  await until(() => (decision('approvals.json') as unknown[]).length === 0);
});
