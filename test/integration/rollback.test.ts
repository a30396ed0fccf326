import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Status } from '../../src/model.ts';
import type { Book } from '../../src/verify/book.ts';
import { createHost, type Host, until, variableOf } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
  git('init', '--quiet', '--initial-branch=main');
  host.write('policy.yaml', { owner: host.owner, verify: { soak: '1s' } });
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

function git(...args: readonly string[]): string {
  const own = { HOME: host.folder, GIT_CONFIG_NOSYSTEM: '1', PATH: process.env.PATH ?? '' };
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  return execFileSync('git', ['-C', host.desired, ...who, ...args], { env: own, encoding: 'utf8' }).trim();
}

/** Commits what is there, whole before anybody can see it: files first, then the commit, as people do. */
function commit(message: string): string {
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
  return git('rev-parse', 'HEAD').slice(0, 12);
}

const good = (version: number, extra: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', '600'],
  environment: { VERSION: String(version) },
  start: { ready: '0s' },
  ...extra,
});
/** Ends with code 3 after it has been started well. */
const bad = (version: number) => ({ ...good(version), command: ['sh', '-c', 'sleep 0.4; exit 3'] });

const book = (): Book =>
  JSON.parse(readFileSync(join(host.runtime, 'state/decisions/verification.json'), 'utf8')) as Book;
const isCalm = () =>
  until(
    () =>
      existsSync(join(host.runtime, 'state/decisions/verification.json')) && Object.keys(book().trials).length === 0,
  );
const status = async () => JSON.parse((await host.reconcile('status', '--json')).stdout) as Status;
const plan = async () => {
  const { code, stdout } = await host.reconcile('--dry-run', '--json');
  return {
    code,
    ...(JSON.parse(stdout) as { steps: { id: string }[]; held: { service: string; reason: { kind: string } }[] }),
  };
};
const versionOf = (pid: number) => variableOf(pid, 'VERSION');
/** The services that run, by the version of each. */
const versions = async () =>
  Object.fromEntries(Object.entries(await host.pids()).map(([name, pid]) => [name, versionOf(pid)]));

test('a commit that breaks one of three: the two follow, the third is as before, and the next commit goes through', async () => {
  for (const name of ['api', 'web', 'untouched']) host.write(name, good(1));
  const first = commit('First');
  const daemon = await host.daemon();
  await daemon.saw(/changed, and stayed well/);
  await isCalm();
  const before = await host.pids();
  host.write('api', good(2));
  host.write('web', bad(2));
  const second = commit('Second');
  await daemon.saw(/web: rolled back, and stayed well/);
  await isCalm();
  expect(await versions()).toEqual({ api: '2', web: '1', untouched: '1' });
  expect((await host.pids()).untouched).toBe(before.untouched);
  const { steps, held } = await plan();
  expect(steps).toEqual([]);
  expect(held).toMatchObject([{ service: 'web', reason: { kind: 'quarantined', commit: second, to: first } }]);
  expect((await host.reconcile()).code).toBe(3);
  const { notes } = await status();
  expect(notes).toMatchObject([
    { kind: 'quarantine', ok: false, text: expect.stringContaining(`${second} is quarantined for web`) },
  ]);
  const starts = daemon.output().match(/web: replace\.\.\./g)?.length;
  await host.reconcile();
  expect(daemon.output().match(/web: replace\.\.\./g)?.length).toBe(starts);

  host.write('web', good(3));
  commit('Third');
  await daemon.saw(/no longer in force: web follows Git again/);
  await until(async () => (await versions()).web === '3');
  await isCalm();
  expect((await plan()).held).toEqual([]);
  expect((await status()).notes).toEqual([]);
  expect((await host.pids()).untouched).toBe(before.untouched);
  expect(await daemon.stop()).toBe(0);
});

test('what was not there before is not there again; a person may try it once more', async () => {
  host.write('web', good(1));
  commit('First');
  const daemon = await host.daemon();
  await isCalm();
  host.write('extra', { ...bad(1), start: { ready: '1s', retries: 0 } });
  const second = commit('Second');
  await daemon.saw(/extra: changed by .* rolled back to not being there/);
  await until(async () => !(await status()).services.some(({ name, state }) => name === 'extra' && state !== 'ABSENT'));
  expect((await plan()).held).toMatchObject([{ service: 'extra', reason: { kind: 'quarantined', commit: second } }]);
  const tries = () => daemon.output().match(/extra: create\.\.\./g)?.length;
  expect(tries()).toBe(1);
  expect((await host.reconcile('retry')).code).toBe(3);
  expect(tries()).toBe(2);
  await until(() => book().quarantine?.services.extra !== undefined);
  expect((await plan()).held).toMatchObject([{ service: 'extra' }]);
  expect(tries()).toBe(2);
});

test('what is not committed is only told', async () => {
  host.write('web', good(1));
  commit('First');
  const daemon = await host.daemon();
  await isCalm();
  host.write('web', bad(2));
  await daemon.saw(/web: changed by .*\+changes and did not stay well: .*; it is left to its supervisor/);
  expect(book().quarantine).toBeUndefined();
});

test('a dependency that fails is no reason', async () => {
  const health = [
    { name: 'upstream', tcp: { address: '127.0.0.1:1' }, about: 'dependency', every: '100ms', failures: 1 },
  ];
  host.write('web', good(1));
  commit('First');
  const daemon = await host.daemon();
  await isCalm();
  host.write('web', good(2, { health }));
  commit('Second');
  await until(async () => (await versions()).web === '2');
  await daemon.saw('web: probe upstream fails');
  await isCalm();
  expect(book().quarantine).toBeUndefined();
  expect(daemon.output()).not.toContain('did not stay well');
});

test('what becomes unhealthy by itself is rolled back', async () => {
  const well = join(host.folder, 'well');
  writeFileSync(well, '');
  const health = [{ name: 'file', exec: { command: ['test', '-e', well] }, every: '100ms', failures: 2 }];
  host.write('policy.yaml', { owner: host.owner, verify: { soak: '20s' } });
  host.write('web', good(1, { soak: '500ms' }));
  const first = commit('First');
  const daemon = await host.daemon();
  await isCalm();
  host.write('web', good(2, { health }));
  commit('Second');
  await until(() => book().trials.web?.phase === 'soaking');
  rmSync(well);
  await daemon.saw(new RegExp(`did not stay well: its probe file failed: .*; it is rolled back to ${first}`));
  await until(async () => (await versions()).web === '1');
});

test('hold leaves it alone until Git changes or a person says so', async () => {
  host.write('web', good(1));
  commit('First');
  const daemon = await host.daemon();
  await isCalm();
  host.write('web', { ...bad(2), onFailure: 'hold' });
  commit('Second');
  await daemon.saw(/web: changed by .* did not stay well: .* it is left as it is/);
  const left = await plan();
  expect(left).toMatchObject({ steps: [], held: [{ reason: { kind: 'quarantined', left: true } }] });
});

test('a rollback that does not stay well either is left alone, and no third try is made', async () => {
  const flag = join(host.folder, 'broken');
  // Well for as long as the flag is not there.
  const fragile = (version: number) => ({
    ...good(version),
    command: ['sh', '-c', `test ! -e ${flag} || { sleep 0.3; exit 3; }; exec sleep 600`],
  });
  host.write('web', fragile(1));
  commit('First');
  const daemon = await host.daemon();
  await isCalm();
  writeFileSync(flag, '');
  host.write('web', fragile(2));
  commit('Second');
  await daemon.saw(/it is left as it is: as at .* it did not stay well either/);
  const tries = () => daemon.output().match(/web: (replace|start|restart)\.\.\./g)?.length;
  expect(tries()).toBe(2);
  await host.reconcile();
  await host.reconcile();
  expect(tries()).toBe(2);
  expect(await plan()).toMatchObject({ steps: [], held: [{ reason: { left: true } }] });
  // Another commit is tried.
  rmSync(flag);
  host.write('web', fragile(3));
  commit('Third');
  await until(async () => (await versions()).web === '3');
});

test('a daemon that is killed while it watches, or while it rolls back, comes to the same', async () => {
  for (const name of ['api', 'web']) host.write(name, good(1));
  commit('First');
  let daemon = await host.daemon();
  await isCalm();
  const pids = await host.pids();
  host.write('web', bad(2));
  commit('Second');
  await until(() => book().trials.web !== undefined);
  await daemon.stop('SIGKILL');
  daemon = await host.daemon();
  await until(() => book().quarantine !== undefined);
  await daemon.stop('SIGKILL');
  daemon = await host.daemon();
  await isCalm();
  expect(await versions()).toEqual({ api: '1', web: '1' });
  expect((await host.pids()).api).toBe(pids.api);
  expect((await plan()).held).toMatchObject([{ service: 'web', reason: { kind: 'quarantined' } }]);
  expect(await daemon.stop()).toBe(0);
});

test('by hand: back to the last commit that stayed well, until the next commit or retry', async () => {
  host.write('web', good(1));
  host.write('api', good(1));
  const first = commit('First');
  await host.daemon();
  await isCalm();
  await until(() => book().history.length === 1);
  host.write('web', good(2));
  host.write('extra', good(2));
  commit('Second');
  await until(async () => (await versions()).extra === '2');
  await isCalm();
  const api = (await host.pids()).api;
  const shown = await host.reconcile('rollback', '--dry-run');
  expect([shown.code, shown.stderr]).toEqual([2, '']);
  expect(shown.stdout.replace(/\s+/g, ' ')).toContain(`went back to ${first}; it is as at ${first}`);
  expect(await versions()).toEqual({ api: '1', web: '2', extra: '2' });
  const back = await host.reconcile('rollback');
  expect([back.code, back.stderr]).toEqual([3, expect.stringContaining('It stays so until the next commit')]);
  expect(await versions()).toEqual({ api: '1', web: '1' });
  await isCalm();
  expect((await host.reconcile()).code).toBe(3);
  expect(await versions()).toEqual({ api: '1', web: '1' });
  expect((await host.reconcile('retry')).code).toBe(0);
  expect(await versions()).toEqual({ api: '1', web: '2', extra: '2' });
  expect((await host.pids()).api).toBe(api);
});

test('by hand with one service alone, until the next commit', async () => {
  for (const name of ['api', 'web']) host.write(name, good(1));
  commit('First');
  await host.daemon();
  await isCalm();
  host.write('web', good(2));
  host.write('extra', good(2));
  commit('Second');
  await until(async () => (await versions()).extra === '2');
  expect((await host.reconcile('rollback', 'HEAD~1', '--only', 'web')).code).toBe(3);
  expect(await versions()).toEqual({ api: '1', web: '1', extra: '2' });
  host.write('api', good(3));
  commit('Third');
  await until(async () => (await versions()).api === '3');
  expect(await versions()).toEqual({ api: '3', web: '2', extra: '2' });
});

test('without a daemon too, and what can not be gone back to is said', async () => {
  host.write('web', good(1));
  expect((await host.reconcile('rollback')).stderr).toContain('no commit of the desired state is known');
  commit('First');
  expect((await host.reconcile()).code).toBe(0);
  const none = await host.reconcile('rollback');
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('no earlier commit is known here')]);
  host.write('web', good(2));
  expect((await host.reconcile('rollback')).stderr).toContain('changes that are not committed');
  commit('Second');
  expect((await host.reconcile()).code).toBe(0);
  expect((await host.reconcile('rollback', 'nowhere')).stderr).toContain("there is no commit 'nowhere'");
  expect((await host.reconcile('rollback', 'HEAD')).stderr).toContain('that is the present commit');
  expect((await host.reconcile('rollback', 'HEAD~1')).code).toBe(3);
  expect(await versions()).toEqual({ web: '1' });
  expect((await host.reconcile()).code).toBe(3);
  expect((await host.reconcile('start', 'web')).code).toBe(0);
  expect(await versions()).toEqual({ web: '2' });
});

test('while nothing was changed nothing is written', async () => {
  host.write('web', good(1));
  commit('First');
  const daemon = await host.daemon();
  await isCalm();
  const file = join(host.runtime, 'state/decisions/proven.json');
  const written = readFileSync(file, 'utf8');
  expect((await host.reconcile()).code).toBe(0);
  await sleep(300); // nothing may happen by itself either
  expect(readFileSync(file, 'utf8')).toBe(written);
  expect(daemon.output().match(/stayed well/g)).toHaveLength(1);
});

test('what was decided can not be read: nothing is done, what runs goes on, and status says so, with a daemon and without', async () => {
  host.write('web', good(1));
  commit('one');
  const daemon = await host.daemon();
  await isCalm();
  const before = await host.pids();
  const file = join(host.runtime, 'state/decisions/verification.json');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, '{');
  const shown = await status();
  expect(shown.services).toMatchObject([{ name: 'web', state: 'RUNNING' }]);
  expect(shown.notes).toContainEqual({ kind: 'invalid', ok: false, text: expect.stringContaining("can't be read") });
  host.write('web', good(2));
  expect(await host.reconcile()).toMatchObject({ code: 1, stderr: expect.stringContaining('acknowledge') });
  expect(await host.pids()).toEqual(before);
  expect(await daemon.stop()).toBe(0);
  expect((await status()).services).toMatchObject([{ name: 'web', state: 'RUNNING' }]);
  writeFileSync(file, text);
  expect((await host.reconcile()).code).toBe(0);
  expect(Object.values(await host.pids()).map(versionOf)).toEqual(['2']);
});

test('what was put back is as of the commit that it was put back to, also once the bad one is reverted', async () => {
  host.write('web', good(1));
  const first = commit('First');
  const daemon = await host.daemon();
  await daemon.saw(/changed, and stayed well/);
  await isCalm();
  host.write('web', bad(2));
  commit('Second');
  await daemon.saw(/web: rolled back, and stayed well/);
  await isCalm();
  git('revert', '--no-edit', 'HEAD');
  await daemon.saw(/no longer in force: web follows Git again/);
  const [web] = (await status()).services;
  expect(web?.revision).toBe(first);
});
