import { globSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createRepository, type Files, type Repository } from '../rig/git/repository.ts';
import { createHost, type Host, type HostOptions, until } from '../rig/host.ts';

let host: Host;
let repository: Repository;
let owner = '';
async function begin(more: object = {}, url = (folder: string) => join(folder, 'ops.git')): Promise<void> {
  const settings: HostOptions['settings'] = ({ folder, owner: own }) => {
    owner = own;
    return { git: { url: url(folder), path: 'ds', poll: '1s', ...more } };
  };
  host = await createHost({ settings });
  repository = createRepository(join(host.folder, 'ops.git'));
}
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

/** The pid, once there is anything to tell of. */
const pidOf = async (name: string) => (await host.pids().catch(() => ({}) as Readonly<Record<string, number>>))[name];

const sleeper = (seconds: number, more = '') =>
  `supervisor: builtin\ncommand: [sleep, "${seconds}"]\nstart: { ready: 0s }\n${more}`;
const files = (services: Readonly<Record<string, string>>, more: Files = {}): Files => ({
  'ds/policy.yaml': `owner: ${owner}\n`,
  ...Object.fromEntries(Object.entries(services).map(([name, text]) => [`ds/services/${name}.yaml`, text])),
  ...more,
});
function push(services: Readonly<Record<string, string>>, parents: readonly string[] = [], more: Files = {}): string {
  const commit = repository.commit(files(services, more), { parents });
  repository.push(commit);
  return commit;
}

test('without a daemon a run fetches, and a dry run makes do with what there was', async () => {
  await begin();
  const nothing = await host.reconcile('--dry-run');
  expect(nothing.code).toBe(1);
  const first = push({ web: sleeper(600) });
  expect((await host.reconcile('--dry-run')).code).toBe(2);
  expect((await host.reconcile('validate')).code).toBe(0);
  expect((await host.reconcile()).code).toBe(0);
  const before = await host.pids();
  push({ web: sleeper(600), other: sleeper(601) }, [first]);
  renameSync(repository.folder, `${repository.folder}.gone`);
  const away = await host.reconcile('--dry-run');
  expect(away).toMatchObject({ code: 0, stderr: expect.stringContaining('there is no such repository') });
  const refused = await host.reconcile();
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot fetch') });
  renameSync(`${repository.folder}.gone`, repository.folder);
  const sync = await host.reconcile('sync');
  expect(sync).toMatchObject({ code: 0, stdout: expect.stringContaining('+ other') });
  expect((await host.pids()).web).toBe(before.web);
});

test('a new commit restarts nothing that it does not change, relative folders and all, and programs are found in its tree', async () => {
  await begin();
  const script = { 'ds/app/run': { program: '#!/bin/sh\nexec sleep 605\n' } };
  const first = push(
    { app: 'supervisor: builtin\ncommand: [./run]\ndirectory: ./app\nstart: { ready: 0s }\n' },
    [],
    script,
  );
  const daemon = await host.daemon();
  await until(() => pidOf('app'));
  const before = await host.pids();
  const second = push(
    { app: 'supervisor: builtin\ncommand: [./run]\ndirectory: ./app\nstart: { ready: 0s }\n', other: sleeper(606) },
    [first],
    {
      'ds/app/run': { program: '#!/bin/sh\nexec sleep 607\n' },
    },
  );
  await until(() => pidOf('other'));
  await daemon.saw(`commit ${second.slice(0, 12)}`);
  expect((await host.pids()).app).toBe(before.app);
  // What starts next starts from the new tree.
  process.kill(before.app ?? 0, 'SIGKILL');
  await until(() => host.processes().some(({ command }) => command === 'sleep 607'));
  expect(await daemon.stop()).toBe(0);
});

test('while nothing may be changed, what starts next starts from the tree it did before', async () => {
  await begin({ poll: '1h' });
  const app = 'supervisor: builtin\ncommand: [./run]\ndirectory: ./app\nstart: { ready: 0s }\n';
  const program = (seconds: number) => ({ 'ds/app/run': { program: `#!/bin/sh\nexec sleep ${seconds}\n` } });
  const first = push({ app }, [], program(611));
  const daemon = await host.daemon();
  await until(() => pidOf('app'));
  const runs = (command: string) => host.processes().some((one) => one.command === command);
  expect(await host.reconcile('freeze', '--reason', 'audit')).toMatchObject({ code: 0 });
  const second = push({ app }, [first], program(612));
  await host.reconcile('sync');
  await daemon.saw(`commit ${second.slice(0, 12)}`);
  const before = (await until(() => pidOf('app'))) as number;
  process.kill(before, 'SIGKILL');
  await until(async () => runs('sleep 611') && (await pidOf('app')) !== before);
  expect(runs('sleep 612')).toBe(false);
  expect(await host.reconcile('unfreeze')).toMatchObject({ code: 0 });
  await host.reconcile('sync');
  process.kill((await until(() => pidOf('app'))) as number, 'SIGKILL');
  await until(() => runs('sleep 612'));
  expect(await daemon.stop()).toBe(0);
});

test('a commit that is refused as a saved plan leaves the tree as it was', async () => {
  await begin();
  const first = push({ web: sleeper(600) });
  expect((await host.reconcile()).code).toBe(0);
  const plan = join(host.folder, 'plan.json');
  const second = push({ web: sleeper(600), other: sleeper(601) }, [first]);
  expect((await host.reconcile('plan', '--out', plan)).code).toBe(2);
  push({ web: sleeper(600), third: sleeper(602) }, [second]);
  const [tree] = globSync(join(host.folder, '**/git/ops-*/tree'));
  const at = readlinkSync(tree ?? '');
  expect(await host.reconcile('apply', plan)).toMatchObject({ code: 1, stderr: expect.stringContaining('changed') });
  expect(readlinkSync(tree ?? '')).toBe(at);
});

test('a hook has it applied at once; what tells the daemon carries no content', async () => {
  await begin({ poll: '1h' });
  const first = push({ web: sleeper(600) });
  const daemon = await host.daemon();
  await until(() => pidOf('web'));
  expect(await host.reconcile('hook', 'install')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('post-receive'),
  });
  const work = join(host.folder, 'w');
  repository.git('clone', '-q', repository.folder, work);
  repository.git('-C', work, 'commit', '-q', '--allow-empty', '-m', 'empty');
  repository.git('-C', work, 'push', '-q');
  await daemon.saw(`after ${first.slice(0, 12)}`);
  expect(await daemon.stop()).toBe(0);
});

test('sync answers what is in force; a bad commit is told, and the last good one stays', async () => {
  await begin({ poll: '1h' });
  const first = push({ web: sleeper(600) });
  const daemon = await host.daemon();
  await until(() => pidOf('web'));
  const before = await host.pids();
  const bad = push({ web: 'nonsense: true\n' }, [first]);
  expect(await host.reconcile('sync')).toMatchObject({ code: 1, stderr: expect.stringContaining('services/web.yaml') });
  const empty = repository.commit({ 'ds/README.md': 'nothing' }, { parents: [bad] });
  repository.push(empty);
  expect(await host.reconcile('sync')).toMatchObject({ code: 1, stderr: expect.stringContaining('no services found') });
  const status = await host.reconcile('status');
  expect(status.stdout).toContain(`${first.slice(0, 12)} is in force`);
  expect(await host.pids()).toEqual(before);
  // One that begins now starts from what was last good.
  expect(await daemon.stop('SIGKILL')).toBeNull();
  rmSync(repository.folder, { recursive: true });
  process.kill(before.web ?? 0, 'SIGKILL');
  const again = await host.daemon();
  await until(() => pidOf('web'));
  await again.saw('cannot fetch');
  expect(await again.stop()).toBe(0);
});

test('a remote that is away is told once, and once when it is back', async () => {
  await begin();
  const first = push({ web: sleeper(600) });
  const daemon = await host.daemon();
  await until(() => pidOf('web'));
  renameSync(repository.folder, `${repository.folder}.gone`);
  await daemon.saw('there is no such repository');
  expect((await host.reconcile('sync')).code).toBe(1);
  renameSync(`${repository.folder}.gone`, repository.folder);
  push({ web: sleeper(600), other: sleeper(601) }, [first]);
  await daemon.saw('can be reached again');
  await until(() => pidOf('other'));
  expect(daemon.output().match(/"event":"unreachable"/g)).toHaveLength(1);
  expect(await daemon.stop()).toBe(0);
});

test('a password in a URL is nowhere to be read', async () => {
  await begin({}, () => 'http://dana:hunter2@127.0.0.1:9/ops.git');
  const { stdout, stderr } = await host.reconcile('sync');
  expect(stdout + stderr).toContain('cannot fetch http://dana:***@127.0.0.1:9/ops.git');
  expect(stdout + stderr).not.toContain('hunter2');
  const seen = join(host.runtime, 'state/git', 'x').replace(/x$/, '');
  const { execFileSync } = await import('node:child_process');
  const found = execFileSync('sh', ['-c', `grep -rl hunter2 '${seen}' || true`], { encoding: 'utf8' });
  expect(found).toBe('');
  expect(readFileSync(join(host.folder, 'reconcile.config.yaml'), 'utf8')).toContain('hunter2');
});
