import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHost, type Host, until, variableOf } from '../rig/host.ts';

let host: Host;

const WEB = `# The one that ann wrote.
supervisor: builtin
command: [sleep, "600"]   # for now
environment: { RELEASE: "1" }
start: { ready: 0s }
`;

beforeEach(async () => {
  host = await createHost();
  host.write('web', WEB);
  host.write('db', { supervisor: 'builtin', command: ['sleep', '601'], start: { ready: '0s' } });
  git('init', '--quiet', '--initial-branch', 'main');
  git('config', 'user.name', 'Ann');
  git('config', 'user.email', 'ann@example.org');
  commit();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const git = (...args: readonly string[]) =>
  execFileSync('git', ['-C', host.desired, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: host.folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
const commit = () => {
  git('add', '--all');
  git('commit', '--quiet', '--message', 'by hand');
};
const text = (name = 'web') => readFileSync(join(host.desired, `services/${name}.yaml`), 'utf8');
const hook = (name: string, script: string) => {
  const path = join(host.desired, '.git/hooks', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
};

test('a daemon applies the commit of an edit, to that service alone', async () => {
  host.write('policy.yaml', `owner: ${host.owner}\nworktree: committed-only\n`);
  commit();
  const daemon = await host.daemon();
  await until(async () => Object.keys(await host.pids()).length === 2);
  const before = await host.pids();
  const uncommitted = await host.reconcile('set', 'web.environment.RELEASE=2');
  expect(uncommitted).toMatchObject({ code: 0, stderr: '' });
  expect(uncommitted.stdout).toContain('-environment: { RELEASE: "1" }\n+environment: { RELEASE: "2" }\n');
  expect(uncommitted.stdout).toContain(`-/+ web  restart pid ${before.web}, new definition`);
  expect(uncommitted.stdout).toContain('Written. It counts once it is committed:');
  git('checkout', '--quiet', '.');
  const set = await host.reconcile('set', 'web.environment.RELEASE=3', 'web.description=the web', '--commit');
  expect(set).toMatchObject({ code: 0, stderr: '' });
  const head = git('rev-parse', 'HEAD');
  expect(set.stdout).toContain(`Committed ${head.slice(0, 12)} on main. The daemon looks at it now.`);
  expect(git('log', '-1', '--format=%an <%ae>: %s')).toBe(
    'Ann <ann@example.org>: set web.environment.RELEASE=3 web.description=the web',
  );
  expect(git('show', '--name-only', '--format=', 'HEAD')).toBe('services/web.yaml');
  expect(text()).toBe(`${WEB.replace('"1"', '"3"')}description: the web\n`);
  const now = await until<Readonly<Record<string, number>> | undefined>(async () => {
    const pids = await host.pids();
    return pids.web !== undefined && pids.web !== before.web ? pids : undefined;
  });
  expect(now?.db).toBe(before.db);
  expect(readFileSync(`/proc/${now?.web}/environ`, 'utf8')).toContain('RELEASE=3\0');
  // Undone by git as any other commit.
  git('revert', '--no-edit', 'HEAD');
  await until(async () => {
    const { web } = await host.pids();
    return web !== undefined && web !== now?.web && variableOf(web, 'RELEASE') === '1';
  });
  expect(text()).toBe(WEB);
  await daemon.stop();
});

test('a dry run shows the diff and the plan, and writes nothing; nothing to do is told', async () => {
  const dry = await host.reconcile('set', 'web.command=[sleep, 602]', 'policy.holds.for=2h', '--dry-run');
  expect(dry.code).toBe(2);
  expect(dry.stdout).toContain('+command: [sleep, "602"]   # for now');
  expect(dry.stdout).toContain('+++ policy.yaml');
  expect(dry.stdout).toContain('Plan: 2 to create.');
  expect(dry.stdout).toContain('Nothing was written.');
  expect(text()).toBe(WEB);
  expect(await host.reconcile('set', 'web.environment.RELEASE=1')).toMatchObject({
    code: 0,
    stdout: 'Nothing to write: it is so already.\n',
  });
  const json = await host.reconcile('set', 'web.environment.RELEASE=2', '--json');
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({
    written: true,
    fields: [{ name: 'web', field: 'environment.RELEASE', file: 'services/web.yaml', from: '1', to: '2' }],
    files: [{ path: 'services/web.yaml', to: WEB.replace('"1"', '"2"') }],
    plan: { steps: [{ service: 'db' }, { service: 'web' }] },
    commit: null,
    commands: [expect.stringContaining('git -C'), expect.stringContaining("commit -m 'set web.environment.RELEASE=2'")],
  });
  // As it says, it can be kept.
  for (const command of (JSON.parse(json.stdout) as { commands: string[] }).commands)
    execFileSync('sh', ['-c', command], { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: host.folder } });
  expect(git('status', '--porcelain')).toBe('');
  expect(await host.reconcile('unset', 'web.environment')).toMatchObject({ code: 0 });
  expect(text()).toBe(WEB.replace(/^environment.*\n/m, ''));
});

test('one wrong word of several, and nothing is written', async () => {
  const bad = await host.reconcile('set', 'web.umask=027', 'db.state=runing');
  expect(bad).toMatchObject({ code: 1, stdout: '' });
  expect(bad.stderr).toContain("services/db.yaml:7:8: state: can't be 'runing'");
  expect(bad.stderr).toContain('as it would be with: web.umask=027 db.state=runing');
  expect(git('status', '--porcelain')).toBe('');
  const secret = await host.reconcile('set', 'web.environment.API_TOKEN=hunter2', '--json');
  expect(secret.code).toBe(1);
  expect(secret.stdout + secret.stderr).not.toContain('hunter2');
  // What its supervisor can't do.
  const refused = await host.reconcile('set', 'web.raw.systemd+=[Service, Nice, 5]');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('services/web.yaml:');
  expect(git('status', '--porcelain')).toBe('');
});

describe('a commit', () => {
  const refused = async (reason: string, ...words: readonly string[]) => {
    const before = git('status', '--porcelain');
    const head = git('rev-parse', 'HEAD');
    const result = await host.reconcile('set', 'web.description=the web', '--commit', ...words);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(reason);
    expect(git('status', '--porcelain')).toBe(before);
    expect(git('rev-parse', 'HEAD')).toBe(head);
  };

  test('is refused where it would take other changes along, or nobody would find it', async () => {
    host.write('db', 'supervisor: builtin\ncommand: [sleep, "1"]\n');
    git('add', '--all');
    await refused('cannot commit: other changes are staged (services/db.yaml); nothing was written');
    git('reset', '--quiet', '--hard');
    host.write('web', `${WEB}umask: "022"\n`);
    await refused('services/web.yaml has changes already that are not committed');
    git('checkout', '--quiet', '.');
    git('checkout', '--quiet', '--detach');
    await refused('is at no branch');
    git('checkout', '--quiet', '-b', 'other');
    host.write('web', WEB.replace('"1"', '"2"'));
    commit();
    git('checkout', '--quiet', 'main');
    host.write('web', WEB.replace('"1"', '"3"'));
    commit();
    expect(() => git('merge', 'other')).toThrow();
    git('checkout', '--quiet', '--ours', 'services/web.yaml');
    await refused('cannot commit: a merge is under way');
    git('merge', '--abort');
    // Other files that are not staged stay as they are, and are no part of it.
    host.write('db', 'supervisor: builtin\ncommand: [sleep, "1"]\n');
    expect(await host.reconcile('set', 'web.umask=027', '--commit', '-m', 'by ann')).toMatchObject({ code: 0 });
    expect(git('status', '--porcelain')).toBe('M services/db.yaml');
    expect(git('log', '-1', '--format=%s')).toBe('by ann');
  });

  test("is the user's own, with his hooks: one that says no leaves all as it was, new files too", async () => {
    hook('pre-commit', 'echo "ann says no" >&2; exit 1');
    await refused('cannot commit: ann says no; the files are as they were before');
    host.write('hosts/h1.yaml', 'labels: []\n');
    git('add', '--all');
    git('commit', '--quiet', '--no-verify', '--message', 'hosts');
    await refused('cannot commit: ann says no', '--host', 'h1', '--layer', 'host');
    hook('pre-commit', 'exit 0');
    hook('commit-msg', 'echo "Ticket: 7" >> "$1"');
    const set = await host.reconcile('set', 'web.umask=027', '--commit', '--host', 'h1', '--layer', 'host');
    expect(set).toMatchObject({ code: 0 });
    expect(git('log', '-1', '--format=%B')).toContain('Ticket: 7');
    expect(git('show', '--name-status', '--format=', 'HEAD')).toBe('A\thosts/h1/services/web.yaml');
    git('config', '--unset', 'user.email');
    git('config', 'user.useConfigOnly', 'true');
    await refused('git does not know who you are', '--host', 'h1');
    git('config', 'user.email', 'ann@example.org');
    // Signed where the user signs: with a program that can't, there is no commit.
    git('config', 'commit.gpgSign', 'true');
    git('config', 'gpg.program', 'false');
    await refused('cannot commit: ', '--host', 'h1');
  });

  test('needs a work tree, and of what is fetched from elsewhere only that is told', async () => {
    const url = `file://${host.desired}`;
    await using mirrored = await createHost({ settings: () => ({ git: { url, ref: 'main' } }) });
    await mirrored.reconcile('sync');
    const told = await mirrored.reconcile('set', 'web.umask=027');
    expect(told.code).toBe(3);
    expect(told.stdout).toContain('+umask: "027"');
    expect(told.stdout).toContain(`Make this change there:\n  ${url}, main\n`);
    for (const { pid } of mirrored.processes()) process.kill(pid, 'SIGKILL');
    rmSync(join(host.desired, '.git'), { recursive: true });
    const bare = await host.reconcile('set', 'web.umask=027', '--commit');
    expect(bare.code).toBe(1);
    expect(bare.stderr).toContain('is in no Git work tree');
    expect((await host.reconcile('set', 'web.umask=027')).stdout).toContain('Written. To make it so: reconcile\n');
  });
});

test('many at once: one of them is written, and the others say so', async () => {
  const all = await Promise.all([1, 2, 3, 4, 5].map((n) => host.reconcile('set', `web.environment.N${n}=x`)));
  const written = all.filter(({ code }) => code === 0);
  expect(written.length).toBeGreaterThan(0);
  for (const { code, stderr } of all)
    if (code !== 0) expect(stderr).toMatch(/cannot write services\/web.yaml: (somebody has changed it|another edit)/);
  expect(text().match(/N\d: x/g)).toHaveLength(written.length);
  expect(await host.reconcile('validate')).toMatchObject({ code: 0 });
});

test('a link is followed, and a file that is read-only is left alone', async () => {
  host.write('shared/web.yaml', WEB);
  rmSync(join(host.desired, 'services/web.yaml'));
  symlinkSync('../.shared.yaml', join(host.desired, 'services/web.yaml'));
  writeFileSync(join(host.desired, '.shared.yaml'), WEB);
  rmSync(join(host.desired, 'shared'), { recursive: true });
  const set = await host.reconcile('set', 'web.umask=027');
  expect(set.stdout).toContain(`services/web.yaml is a link: ${host.desired}/.shared.yaml is what is edited`);
  expect(readFileSync(join(host.desired, '.shared.yaml'), 'utf8')).toBe(`${WEB}umask: "027"\n`);
  chmodSync(join(host.desired, '.shared.yaml'), 0o444);
  const again = await host.reconcile('set', 'web.umask=022');
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toContain('cannot write services/web.yaml: it is read-only, for everybody');
});

test('what a service is now can be captured into a commit', async () => {
  expect(await host.reconcile()).toMatchObject({ code: 0 });
  expect(await host.reconcile('stop', 'web')).toMatchObject({ code: 0 });
  const captured = await host.reconcile('capture', 'web', '--commit');
  expect(captured).toMatchObject({ code: 0, stdout: expect.stringMatching(/Committed [0-9a-f]{12} on main/) });
  expect(text()).toBe(`${WEB}state: stopped\n`);
  expect(git('log', '-1', '--format=%s')).toMatch(/^capture: web, as on /);
});
