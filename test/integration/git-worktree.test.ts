import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeKey, signer } from '../rig/git/keys.ts';
import { environment } from '../rig/git/repository.ts';
import { createHost, type Host, until } from '../rig/host.ts';

let host: Host;
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const sleeper = (seconds: number) => `supervisor: builtin\ncommand: [sleep, "${seconds}"]\nstart: { ready: 0s }\n`;
const git = (...args: readonly string[]) =>
  execFileSync('git', ['-C', host.desired, ...args], {
    env: environment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
function commit(message: string): string {
  git('add', '.');
  git('commit', '-q', '-m', message);
  return git('rev-parse', 'HEAD');
}
const policy = (word: string) => host.write('policy.yaml', `owner: ${host.owner}\nworktree: ${word}\n`);

test('committed-only: what lies in the tree has no effect until it is committed', async () => {
  host = await createHost();
  git('init', '-q');
  policy('committed-only');
  host.write('web', sleeper(600));
  host.write('.gitignore', 'services/ignored.yaml\n');
  commit('one');
  host.write('ignored', sleeper(601));
  expect((await host.reconcile()).code).toBe(0);
  expect(Object.keys(await host.pids())).toEqual(['web']);
  const before = await host.pids();
  const daemon = await host.daemon();
  await daemon.saw('ready');
  host.write('other', sleeper(602));
  host.write('web', 'nonsense: true\n');
  // Not even a policy that says otherwise.
  policy('apply');
  expect((await host.reconcile('--dry-run')).stdout).toContain('No changes');
  expect(await host.pids()).toEqual(before);
  git('checkout', '-q', 'services/web.yaml', 'policy.yaml');
  const second = commit('two');
  await until(async () => (await host.pids()).other);
  expect((await host.pids()).web).toBe(before.web);
  expect((await host.reconcile('status')).stdout).toContain(`${second.slice(0, 12)} two (Dana Ops)`);
  expect(await daemon.stop()).toBe(0);
});

test('apply: files as they are; a policy that is not committed yet decides nothing', async () => {
  host = await createHost();
  git('init', '-q');
  host.write('web', sleeper(600));
  commit('one');
  host.write('other', sleeper(601));
  policy('committed-only');
  expect((await host.reconcile()).code).toBe(0);
  expect(Object.keys(await host.pids()).sort()).toEqual(['other', 'web']);
});

test('half of a checkout is never read', async () => {
  host = await createHost();
  git('init', '-q');
  host.write('web', sleeper(600));
  commit('one');
  const lock = join(host.desired, '.git/index.lock');
  writeFileSync(lock, '');
  const waiting = host.reconcile('validate');
  setTimeout(() => rmSync(lock), 1000);
  expect((await waiting).code).toBe(0);
  writeFileSync(lock, '');
  expect(await host.reconcile('validate')).toMatchObject({ code: 1, stderr: expect.stringContaining('index.lock') });
});

test('committed-only where there is no repository, and trust with `worktree: apply`, are refused', async () => {
  host = await createHost({
    settings: ({ folder }) => ({
      desiredState: join(folder, 'desired-state'),
      trust: { signedBy: join(folder, 'signers') },
    }),
  });
  const key = makeKey(join(host.folder, 'key'));
  writeFileSync(join(host.folder, 'signers'), signer('dana', key), { mode: 0o600 });
  host.write('web', sleeper(600));
  expect(await host.reconcile('validate')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is in no git work tree'),
  });
  git('init', '-q');
  policy('apply');
  for (const [name, value] of [
    ['gpg.format', 'ssh'],
    ['user.signingkey', key.file],
    ['commit.gpgsign', 'true'],
  ] as const)
    git('config', name, value);
  commit('one');
  expect(await host.reconcile('validate')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('signed by nobody'),
  });
  policy('committed-only');
  commit('two');
  expect(await host.reconcile('validate')).toMatchObject({ code: 0 });
});

test.runIf(process.getuid?.() === 0)(
  "root runs no git in another user's tree, and takes from it what is signed, as that user",
  async () => {
    host = await createHost({
      settings: ({ folder }) => ({
        desiredState: join(folder, 'desired-state'),
        trust: { signedBy: join(folder, 'etc/signers') },
      }),
    });
    const key = makeKey(join(host.folder, 'key'));
    mkdirSync(join(host.folder, 'etc'));
    writeFileSync(join(host.folder, 'etc/signers'), signer('dana', key), { mode: 0o600 });
    // Root's fingers on it would leave traces.
    const trap = join(host.desired, 'trap');
    writeFileSync(trap, `#!/bin/sh\nid -u >>${join(host.folder, 'trapped')}\n`, { mode: 0o755 });
    git('init', '-q');
    host.write('.gitignore', 'trap\n');
    host.write('web', sleeper(600));
    for (const [name, value] of [
      ['gpg.format', 'ssh'],
      ['user.signingkey', key.file],
      ['commit.gpgsign', 'true'],
    ] as const)
      git('config', name, value);
    const first = commit('one');
    for (const [name, value] of [
      ['core.fsmonitor', trap],
      ['gpg.ssh.program', trap],
      ['uploadpack.packObjectsHook', trap],
      ['core.sshCommand', trap],
    ] as const)
      git('config', name, value);
    rmSync(join(host.folder, 'trapped'), { force: true });
    chmodSync(host.folder, 0o755);
    give(host.desired);
    const { code, stdout, stderr } = await host.reconcile();
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('+ web');
    expect(readdirSync(host.folder)).not.toContain('trapped');
    expect((await host.reconcile('status')).stdout).toContain(first.slice(0, 12));
    // What is not signed is not taken.
    execFileSync(
      'git',
      [
        '-c',
        `safe.directory=${host.desired}`,
        '-c',
        'core.fsmonitor=false',
        '-c',
        'commit.gpgsign=false',
        '-C',
        host.desired,
        'commit',
        '-q',
        '--allow-empty',
        '-m',
        'two',
      ],
      { env: environment() },
    );
    give(host.desired);
    const daemon = await host.daemon();
    await daemon.saw('it is not signed');
    expect(await host.reconcile('sync')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is not signed'),
    });
    expect(Object.keys(await host.pids())).toEqual(['web']);
    expect(await daemon.stop()).toBe(0);
  },
);

/** Makes it all nobody's. */
function give(path: string): void {
  execFileSync('chown', ['-R', '65534:65534', path]);
  chownSync(path, 65_534, 65_534);
}
