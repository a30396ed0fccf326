import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

const web = (extra: object = {}) =>
  host.write('web', { supervisor: 'builtin', command: ['sleep', '600'], start: { ready: '0s' }, ...extra });
const changed = { environment: { A: '1' } };
const pid = () => host.processes().find(({ command }) => command === 'sleep 600')?.pid ?? 0;
const another = (before: number) => until(() => ![0, before].includes(pid()));
const note = async () => (await host.status()).find(({ name }) => name === 'web')?.note ?? '';
const holds = (): readonly { readonly name: string; readonly until: number }[] =>
  JSON.parse(readFileSync(join(host.runtime, 'state', 'decisions', 'holds.json'), 'utf8'));

test('what is held is left alone: no change, no start once it has ended, not by the next daemon either', async () => {
  web();
  const daemon = await host.daemon();
  const first = await until(pid);
  const held = await host.reconcile('hold', 'web', '--reason', 'a debugger is on it', '--for', '1h', '--by', 'ann');
  expect(held).toMatchObject({ code: 0, stderr: '' });
  expect(held.stdout).toMatch(/^Left alone until \S+Z, or `reconcile release web`: web\. Nothing is done to it/);
  expect(held.stdout).toContain('What ends meanwhile stays down until then.');
  await daemon.saw(/web: left alone by ann until \S+: a debugger is on it/);
  // Nothing is to be done, and so nothing waits.
  const calm = await host.reconcile('--dry-run');
  expect(calm).toMatchObject({ code: 0, stdout: expect.stringContaining('= web  left alone') });
  web(changed);
  await daemon.saw('web: left alone: left alone by ann: a debugger is on it');
  expect(pid()).toBe(first);
  process.kill(first, 'SIGKILL');
  await daemon.saw('web: RUNNING -> EXITED');
  await daemon.stop('SIGKILL');
  const next = await host.daemon();
  await next.saw('ready:');
  expect(await host.reconcile()).toMatchObject({ code: 3 });
  expect(pid()).toBe(0);
  expect(await note()).toMatch(/left alone until \S+ by ann: a debugger is on it; to end that: reconcile release web$/);

  const released = await host.reconcile('release', 'web');
  expect(released.stderr).toContain('No longer left alone: web.\n');
  expect(released).toMatchObject({ code: 0, stdout: expect.stringContaining('Applied: 1 done') });
  expect(pid()).toBeGreaterThan(0);
  await next.saw('web: no longer left alone');
  expect(holds()).toEqual([]);
});

test('a hold ends by itself: it is told before, and then all is as Git says', async () => {
  host.write('policy.yaml', JSON.stringify({ owner: host.owner, holds: { for: '4s', warn: '2s' } }));
  web();
  const daemon = await host.daemon();
  const first = await until(pid);
  await host.reconcile('hold', 'web', '--reason', 'wait', '--by', 'ann');
  web(changed);
  process.kill(first, 'SIGKILL');
  await daemon.saw('web: RUNNING -> EXITED');
  await daemon.saw(/web: left to ann until \S+, then it is made as Git says/);
  expect(pid()).toBe(0);
  await until(pid);
  expect(Date.now()).toBeGreaterThan(0);
  await daemon.saw('web: no longer left alone');
  await until(() => holds().length === 0);
});

test('stop: it ends now and stays down for a while, whatever runs it; start and restart end that', async () => {
  web();
  const daemon = await host.daemon();
  const first = await until(pid);
  const stopped = await host.reconcile('stop', 'web', '--by', 'ann', '--reason', 'it eats the disk');
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining('web: stopped') });
  expect(stopped.stderr).toMatch(/^Left stopped until \S+Z; to start again before that: reconcile start web$/m);
  expect(pid()).toBe(0);
  await daemon.saw(/web: left alone by ann until \S+: it eats the disk/);
  const plan = await host.reconcile();
  expect(plan).toMatchObject({ code: 3, stdout: expect.stringContaining('by ann: it eats the disk') });
  await daemon.stop('SIGKILL');
  await (await host.daemon()).saw('ready:');
  expect(await host.reconcile('--dry-run')).toMatchObject({ code: 0 });
  expect(pid()).toBe(0);
  expect(await host.reconcile('start', 'web')).toMatchObject({ code: 0 });
  const second = pid();
  expect([0, first]).not.toContain(second);
  expect(holds()).toEqual([]);
  expect(await host.reconcile('restart', 'web')).toMatchObject({ code: 0 });
  expect([0, second]).not.toContain(pid());
  expect(await host.reconcile('stop', 'wbe')).toMatchObject({ code: 1, stderr: expect.stringContaining("'web'") });
});

test('a stop asks the gate, and what has one waits for a person once its time is over', async () => {
  const shut = join(host.folder, 'positions');
  const gate = { exec: { command: ['test', '!', '-e', shut] }, every: '200ms' };
  web({ gate });
  const daemon = await host.daemon();
  const first = await until(pid);
  writeFileSync(shut, '');
  const refused = await host.reconcile('stop', 'web');
  expect(refused).toMatchObject({ code: 3, stdout: expect.stringContaining('its stop waits since') });
  expect(pid()).toBe(first);
  await sleep(500);
  expect(pid()).toBe(first);
  rmSync(shut);
  expect(await host.reconcile('stop', 'web', '--for', '1500ms', '--by', 'ann')).toMatchObject({ code: 0 });
  await daemon.saw(/web: left to ann until \S+, then it waits for a person, since it has a gate/);
  await until(() => (holds()[0]?.until ?? Number.POSITIVE_INFINITY) < Date.now());
  await sleep(700);
  expect(pid()).toBe(0);
  const plan = await host.reconcile();
  expect(plan.code).toBe(3);
  expect(plan.stdout.replace(/\s+/g, ' ')).toContain(
    'the time for that is over, but it has a gate: a person has to say',
  );
  expect(await note()).toContain('its time is over, but it has a gate');
  expect(await host.reconcile('release', 'web')).toMatchObject({ code: 0 });
  await another(0);
  expect(holds()).toEqual([]);
});

test('without a daemon it is the same; a reason is wanted, and a name that there is', async () => {
  web();
  await host.reconcile();
  const first = pid();
  expect(await host.reconcile('hold', 'web')).toMatchObject({ code: 1, stderr: expect.stringContaining('--reason') });
  expect(await host.reconcile('hold', 'wbe', '--reason', 'x')).toMatchObject({ code: 1 });
  const json = await host.reconcile('hold', 'web', '--reason', 'x', '--by', 'ann', '--json');
  expect(JSON.parse(json.stdout)).toEqual({
    held: [expect.objectContaining({ name: 'web', by: 'ann', why: 'x', until: expect.any(String) })],
  });
  web(changed);
  expect(await host.reconcile()).toMatchObject({ code: 3 });
  expect(pid()).toBe(first);
  // A person's word for it ends the hold.
  expect(await host.reconcile('restart', 'web')).toMatchObject({ code: 0 });
  expect([0, first]).not.toContain(pid());
});

test('capture writes where the value was set last for this host, and only shows what is a repository elsewhere', async () => {
  const folder = join(host.folder, 'repo');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('policy.yaml', `owner: ${host.owner}\n`);
  write('services/web.yaml', 'supervisor: builtin\ncommand: [sleep, "600"]\nstart: { ready: 0s }\n');
  write('hosts/h1.yaml', '{}\n');
  write('hosts/h1/services/web.yaml', 'state: running # of this host alone\n');
  const git = 'git -c user.name=a -c user.email=a@example.org';
  execFileSync('sh', ['-c', `cd ${folder} && git init -q -b main && git add -A && ${git} commit -q -m first`]);
  const settings = { git: { url: `file://${folder}`, ref: 'main' }, host: 'h1' };
  await using mirrored = await createHost({ settings: () => settings });
  expect(await mirrored.reconcile()).toMatchObject({ code: 0 });
  expect(await mirrored.reconcile('stop', 'web', '--by', 'ann')).toMatchObject({ code: 0 });
  const shown = await mirrored.reconcile('capture', 'web');
  expect(shown.code).toBe(3);
  expect(shown.stdout).toContain('+++ hosts/h1/services/web.yaml');
  expect(shown.stdout).toContain('+state: stopped # of this host alone');
  expect(shown.stdout).toContain('Nothing was written.');
  expect(shown.stderr).toContain('fetched from a repository elsewhere: make this change there');
  for (const { pid: one } of host.processes()) process.kill(one, 'SIGKILL');
});
