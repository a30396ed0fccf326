import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { isWell, notes, pidsOf, running, runs, valueIn } from '../rig/git/follow.ts';
import { environment } from '../rig/git/repository.ts';
import { type Site, sleeper, TRANSPORTS } from '../rig/git/site.ts';
import { until } from '../rig/host.ts';

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

const run = promisify(execFile);

/** Somebody's clone, who commits and pushes over the very transport, by plain git. */
async function clone(site: Site): Promise<{ push(value: number): Promise<string> }> {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-clone-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { sshd, http, keys } = site;
  const ssh =
    sshd === undefined
      ? ''
      : `ssh -F none -i ${sshd.client.file} -o UserKnownHostsFile=${sshd.knownHosts} -o BatchMode=yes`;
  const env = { ...environment(), GIT_TERMINAL_PROMPT: '0', ...(ssh === '' ? {} : { GIT_SSH_COMMAND: ssh }) };
  const git = (...args: readonly string[]) => run('git', ['-C', folder, ...args], { env });
  const url = http === undefined ? site.url : site.url.replace('//', `//robot:${http.token}@`);
  await git('clone', '--quiet', url, '.');
  return {
    push: async (value) => {
      writeFileSync(join(folder, 'services/api.yaml'), JSON.stringify(sleeper(2, value)));
      const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${keys.good.file}`];
      await git(...signing, 'commit', '--quiet', '--all', '-S', '-m', `api ${value}`);
      await git('push', '--quiet', 'origin', 'HEAD:main');
      return (await git('rev-parse', 'HEAD')).stdout.trim();
    },
  };
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('what is pushed is polled, and converges: one service changes, the others keep their pids', async () => {
    const site = cleanup.use(await running({ transport, trust: true }));
    const before = await pidsOf(site);
    const developer = await clone(site);
    for (const value of [1, 2]) {
      const commit = await developer.push(value);
      await runs(site, 2, value);
      await until(async () => (await notes(site)).some(({ ok, text }) => ok && text.includes(commit.slice(0, 7))));
    }
    await isWell(site);
    expect((await pidsOf(site)).web).toBe(before.web);
    expect((await site.host.reconcile('--dry-run')).code).toBe(0);
  });

  test('a hook in the repository nudges: nobody waits for the poll', async () => {
    const site = cleanup.use(await running({ transport, trust: true, poll: '1h' }));
    const before = await pidsOf(site);
    const hook = await site.host.reconcile('hook', 'install', site.repository.folder);
    expect(hook.code, hook.stdout + hook.stderr).toBe(0);
    const developer = await clone(site);
    for (const value of [1, 2, 3]) {
      await developer.push(value);
      await runs(site, 2, value);
    }
    await isWell(site);
    expect((await pidsOf(site)).web).toBe(before.web);
  });

  test('a server that filters nothing serves as well', async () => {
    const site = cleanup.use(await running({ transport, filter: false }));
    site.push({ web: sleeper(1), api: sleeper(2, 1) });
    await runs(site, 2, 1);
    await isWell(site);
  });

  test('sync and SIGHUP nudge, with a daemon and without', async () => {
    const site = cleanup.use(await running({ transport, poll: '1h' }));
    const before = await pidsOf(site);
    site.push({ web: sleeper(1), api: sleeper(2, 1) });
    const synced = await site.host.reconcile('sync');
    expect(synced.code, synced.stdout + synced.stderr).toBe(0);
    expect(valueIn(site, 2)).toBe(1);
    site.push({ web: sleeper(1), api: sleeper(2, 2) });
    site.daemon.child.kill('SIGHUP');
    await runs(site, 2, 2);
    expect(await site.daemon.stop()).toBe(0);
    site.push({ web: sleeper(1), api: sleeper(2, 3) });
    const alone = await site.host.reconcile('sync');
    expect(alone.code, alone.stdout + alone.stderr).toBe(0);
    expect(valueIn(site, 2)).toBe(3);
    expect((await site.host.pids()).web).toBe(before.web);
  });
});

test('a token is in no argument of a process, no file but its own, and nothing that is said', async () => {
  const site = cleanup.use(await running({ transport: 'http' }));
  const { http, host, daemon, tokenFile } = site;
  if (http === undefined) throw new Error('no server');
  const shown = new Set<string>();
  const look = setInterval(() => {
    for (const line of commandLines()) if (line.includes(http.token)) shown.add(line);
  }, 1);
  site.push({ web: sleeper(1), api: sleeper(2, 1) });
  await runs(site, 2, 1);
  clearInterval(look);
  expect([...shown]).toEqual([]);
  const { stdout, stderr } = await host.reconcile('status', '--json');
  for (const text of [daemon.output(), stdout, stderr]) expect(text).not.toContain(http.token);
  const written = readdirSync(host.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => file !== tokenFile && readFileSync(file).includes(http.token));
  expect(written).toEqual([]);
});

function commandLines(): readonly string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/cmdline`, 'utf8')] : [];
    } catch {
      return [];
    }
  });
}
