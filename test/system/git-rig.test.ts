import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startHttp } from '../rig/git/http.ts';
import { makeKey, signer } from '../rig/git/keys.ts';
import { createRepository, environment } from '../rig/git/repository.ts';
import { startSshd } from '../rig/git/sshd.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-git-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What plain git says, without our product. */
async function git(...args: readonly string[]): Promise<{ code: number | null; stderr: string; stdout: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; stderr: string; stdout: string }>();
  const env = { ...environment(), GIT_TERMINAL_PROMPT: '0' };
  const child = execFile('git', args, { env, timeout: 30_000 }, (_, stdout, stderr) =>
    resolve({ code: child.exitCode, stderr, stdout }),
  );
  return promise;
}

test('the objects that the rig writes are what git would write: whole, merged, reverted, renamed, huge', () => {
  const repository = createRepository(join(folder, 'origin.git'));
  const first = repository.commit({ 'a-b/x': '1', 'a/y': '2', 'a.z': '3', run: { program: '#!/bin/sh\n' } });
  const left = repository.commit({ ...repository.files(first), 'a/y': 'left' }, { parents: [first] });
  const right = repository.commit({ ...repository.files(first), new: { link: 'a/y' } }, { parents: [first] });
  const merged = repository.merge(left, right);
  const reverted = repository.revert(merged, left);
  repository.push(reverted);
  const huge = repository.huge([['services/web.yaml', 'x: 1\n']], reverted);
  repository.push(huge, 'huge');
  expect(repository.git('fsck', '--strict', '--full')).toBe('');
  expect(repository.git('show', `${reverted}:a/y`)).toBe('2');
  expect(repository.git('show', `${reverted}:new`)).toBe('a/y');
  expect(repository.git('rev-list', '--count', 'huge')).toBe('6');
});

test('signatures are those that git verifies; one that was tampered with, of another, or none is refused', async () => {
  const repository = createRepository(join(folder, 'origin.git'));
  const [dana, mallory] = [makeKey(join(folder, 'dana')), makeKey(join(folder, 'mallory'))];
  const allowed = join(folder, 'allowed');
  writeFileSync(allowed, signer('dana@example.org', dana));
  const verify = (commit: string) =>
    git('-C', repository.folder, '-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', commit);
  const files = { x: '1' };
  expect((await verify(repository.commit(files, { signedBy: dana }))).code).toBe(0);
  expect((await verify(repository.commit(files, { signedBy: dana, tampered: true }))).code).not.toBe(0);
  expect((await verify(repository.commit(files, { signedBy: mallory }))).code).not.toBe(0);
  expect((await verify(repository.commit(files))).code).not.toBe(0);
});

test('sshd serves who has the key; one with another host key is not spoken to', async () => {
  const repository = createRepository(join(folder, 'origin.git'));
  const commit = repository.commit({ x: '1' });
  repository.push(commit);
  await using sshd = await startSshd();
  const ssh = `ssh -F none -i ${sshd.client.file} -o UserKnownHostsFile=${sshd.knownHosts} -o BatchMode=yes`;
  const look = () => git('-c', `core.sshCommand=${ssh}`, 'ls-remote', sshd.url(repository.folder));
  expect(await look()).toMatchObject({ code: 0, stdout: expect.stringContaining(commit) });
  await sshd.stop();
  expect((await look()).stderr).toContain('Connection refused');
  await sshd.start('another');
  expect((await look()).stderr).toContain('REMOTE HOST IDENTIFICATION HAS CHANGED');
  await sshd.stop();
  await sshd.start();
  expect((await look()).code).toBe(0);
});

test('smart HTTP serves who has the token, fetches and pushes, and can be ill', async () => {
  const repository = createRepository(join(folder, 'origin.git'));
  const commit = repository.commit({ x: '1' });
  repository.push(commit);
  await using http = await startHttp();
  const url = (token: string) => http.url(repository.folder).replace('//', `//robot:${token}@`);
  const clone = join(folder, 'clone.git');
  expect(await git('clone', '-q', '--bare', '--filter=blob:none', url(http.token), clone)).toMatchObject({ code: 0 });
  expect(await git('-C', clone, 'cat-file', '-e', `${commit}^{tree}`)).toMatchObject({ code: 0 });
  expect(await git('-C', clone, 'push', '-q', url(http.token), 'HEAD:refs/heads/other')).toMatchObject({ code: 0 });
  expect(repository.git('rev-parse', 'other')).toBe(commit);
  expect((await git('ls-remote', url('wrong'))).stderr).toContain('Authentication failed');
  const expired = http.token;
  http.token = 'another';
  expect((await git('ls-remote', url(expired))).stderr).toContain('Authentication failed');
  http.be('fails');
  expect((await git('ls-remote', url(http.token))).stderr).toContain('503');
  await http.stop();
  expect((await git('ls-remote', url(http.token))).code).not.toBe(0);
  await http.start();
  http.be('serves');
  expect((await git('ls-remote', url(http.token))).code).toBe(0);
});
