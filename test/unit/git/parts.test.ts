import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCommit } from '../../../src/git/commit.ts';
import { environmentOf } from '../../../src/git/environment.ts';
import { installHooks, removeHooks } from '../../../src/git/hooks.ts';
import { localPath, type Remote, splitUrl } from '../../../src/git/remote.ts';
import { maskRemote, problemOf } from '../../../src/git/run.ts';
import { leadsOut } from '../../../src/git/tree.ts';
import { createRepository } from '../../rig/git/repository.ts';

test('a symbolic link stays in the tree, or is said to lead out of it', () => {
  for (const [path, target] of [
    ['a', 'b'],
    ['a', './b/c'],
    ['x/a', '../b'],
    ['x/y/a', '../../b/c'],
    ['a', '.'],
  ] as const)
    expect([path, target, leadsOut(path, target)]).toEqual([path, target, false]);
  for (const [path, target] of [
    ['a', '../b'],
    ['a', '/etc/passwd'],
    ['x/a', '../../b'],
    ['x/a', 'y/../../../b'],
    ['x/a', 'y/../b'],
    ['a', ''],
  ] as const)
    expect([path, target, leadsOut(path, target)]).toEqual([path, target, true]);
});

test('a commit is read, and what it says can do nothing to a terminal', () => {
  const id = 'a'.repeat(40);
  const text = `tree ${id}\nparent ${'b'.repeat(40)}\nauthor E\u0007ve <e@x> 1 +0000\ncommitter C <c@x> 7 +0100\n\n\u001b]0;x\u0007Sub\u202eject\n\nbody\n`;
  expect(parseCommit(id, text)).toMatchObject({
    parents: ['b'.repeat(40)],
    subject: ']0;x Sub ject',
    author: 'E ve',
    at: 7000,
  });
  expect(parseCommit(id, 'no commit')).toBeUndefined();
  expect(parseCommit(id, `tree ${id}\n`)).toMatchObject({ subject: '', author: '', at: 0 });
});

describe('what is secret', () => {
  const remote = (url: string, more: Partial<Remote> = {}): Remote => ({ url, poll: 1, folder: '/state/x', ...more });

  test('is taken out of URLs', () => {
    expect(splitUrl('https://dana:p%40ss@host/x.git')).toEqual({
      url: 'https://host/x.git',
      user: 'dana',
      password: 'p@ss',
    });
    expect(splitUrl('https://token@host/x.git')).toEqual({ url: 'https://host/x.git', user: 'token' });
    for (const url of ['git@host:x.git', 'ssh://git@host/x', '/srv/x.git', 'https://host/x@y'])
      expect(splitUrl(url)).toEqual({ url });
  });

  test('is in no setting of git and in no error', () => {
    const environment = environmentOf(remote('https://dana:hunter2@host/x.git', { tokenFile: '/etc/token' }));
    const settings = Object.entries(environment).filter(([key]) => key.startsWith('GIT_'));
    expect(JSON.stringify(settings)).not.toContain('hunter2');
    expect(JSON.stringify(settings)).toContain('credential.https://host.helper');
    expect(maskRemote("fatal: 'https://host' hunter2 p https://a:b@c/", remote('https://dana:hunter2@host/x'))).toBe(
      "fatal: 'https://host' *** p https://a:***@c/",
    );
  });

  test('of ssh: the key, and only hosts that are known', () => {
    const { GIT_SSH_COMMAND, GIT_ALLOW_PROTOCOL, GIT_CONFIG_GLOBAL } = environmentOf(
      remote('git@host:x', { sshKey: "/k's", knownHosts: '/h' }),
    );
    expect(GIT_SSH_COMMAND).toContain(`-i '/k'\\''s'`);
    for (const option of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=15', 'UserKnownHostsFile=/h'])
      expect(GIT_SSH_COMMAND).toContain(option);
    expect(GIT_ALLOW_PROTOCOL).toBe('file:ssh:https:http:git');
    expect(GIT_CONFIG_GLOBAL).toBe('/dev/null');
  });
});

test('paths of this host are told from what is elsewhere', () => {
  expect(localPath('/srv/x.git')).toBe('/srv/x.git');
  expect(localPath('file:///srv/a%20b')).toBe('/srv/a b');
  expect(localPath('file://localhost/srv/x')).toBe('/srv/x');
  for (const url of ['git@host:x', 'https://host/x', 'ssh://host/x']) expect(localPath(url)).toBeUndefined();
});

test.each([
  ['fatal: unable to write: No space left on device', 'disk-full'],
  ['Host key verification failed.\nfatal: Could not read from remote repository.', 'git-host-key'],
  ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', 'git-host-key'],
  ['git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'git-auth'],
  ["fatal: Authentication failed for 'https://host/x'", 'git-auth'],
  ["fatal: could not read Username for 'https://host': terminal prompts disabled", 'git-auth'],
  ["fatal: unable to access 'https://host/': The requested URL returned error: 403", 'git-auth'],
  ["fatal: couldn't find remote ref x", 'git-unknown-ref'],
  ["fatal: repository 'https://host/x/' not found", 'git-no-repository'],
  ["fatal: unable to access 'https://host/': Could not resolve host: host", 'git-unreachable'],
  [
    'ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.',
    'git-unreachable',
  ],
  ['fatal: bad object refs/reconciled/fetched\nfatal: the remote end hung up unexpectedly', 'git-failed'],
  ['something new', 'git-failed'],
])('git says %j: %s', (text, code) => {
  const problem = problemOf({ reason: 'said', text }, { url: 'https://u:secret@host/x', poll: 1, folder: '/x' });
  expect(problem).toMatchObject({
    code,
    summary: expect.stringMatching(/^cannot fetch https:\/\/u:\*\*\*@host\/x: ./),
    hint: expect.anything(),
  });
});

describe('hooks', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reconciled-hooks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('are installed in a bare repository, run nothing of ours, and are removed', async () => {
    const { folder: bare } = createRepository(join(folder, 'x.git'));
    const nudge = join(folder, "it's/nudge");
    mkdirSync(join(folder, "it's"));
    writeFileSync(nudge, '');
    const hook = join(bare, 'hooks/post-receive');
    expect(await installHooks(bare, nudge)).toEqual([{ path: hook, done: 'installed' }]);
    expect(statSync(hook).mode & 0o111).not.toBe(0);
    expect(await installHooks(bare, nudge)).toEqual([{ path: hook, done: 'there' }]);
    const { execFileSync } = await import('node:child_process');
    execFileSync(hook);
    expect(readFileSync(nudge, 'utf8')).toBe('\n');
    rmSync(nudge);
    execFileSync(hook);
    expect(await removeHooks(bare)).toEqual([{ path: hook, done: 'removed' }]);
    expect(await removeHooks(bare)).toEqual([{ path: hook, done: 'absent' }]);
  });

  test("somebody's hook is never touched, and one with the line in it is as good", async () => {
    const { folder: bare } = createRepository(join(folder, 'x.git'));
    const hook = join(bare, 'hooks/post-receive');
    mkdirSync(join(bare, 'hooks'), { recursive: true });
    writeFileSync(hook, '#!/bin/sh\nmail dana\n');
    chmodSync(hook, 0o755);
    const refused = await installHooks(bare, '/run/n').catch((error) => error.problems[0]);
    expect(refused).toMatchObject({ code: 'hook-there' });
    expect(readFileSync(hook, 'utf8')).toBe('#!/bin/sh\nmail dana\n');
    writeFileSync(hook, `#!/bin/sh\n${refused.hint.replace('add this line to it: ', '')}\nmail dana\n`);
    expect(await installHooks(bare, '/run/n')).toEqual([{ path: hook, done: 'there' }]);
    expect(await removeHooks(bare)).toEqual([{ path: hook, done: 'absent' }]);
  });

  test('in a work tree they follow commits, merges and checkouts; what is no repository is refused', async () => {
    const { execFileSync } = await import('node:child_process');
    execFileSync('git', ['init', '-q', join(folder, 'w')]);
    const done = await installHooks(join(folder, 'w'), '/run/n');
    expect(done.map(({ path }) => path.split('/').at(-1))).toEqual([
      'post-commit',
      'post-merge',
      'post-checkout',
      'post-rewrite',
    ]);
    await expect(installHooks(folder, '/run/n')).rejects.toMatchObject({ problems: [{ code: 'no-repository' }] });
    await expect(installHooks(join(folder, 'none'), '/run/n')).rejects.toMatchObject({
      problems: [{ code: 'no-repository' }],
    });
  });
});
