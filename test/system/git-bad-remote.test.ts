import { renameSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { complains, isAnother, isWell, pidsOf, running, runs, somePolls, times } from '../rig/git/follow.ts';
import { createSite, sleeper, TRANSPORTS } from '../rig/git/site.ts';
import { until } from '../rig/host.ts';

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

describe('a remote that is down', () => {
  test.each(TRANSPORTS)('over %s: what was good stays, one message, and it heals by itself', async (transport) => {
    const site = cleanup.use(await running({ transport }));
    const before = await pidsOf(site);
    const { repository, sshd, http } = site;
    const away = `${repository.folder}.away`;
    if (sshd !== undefined) await sshd.stop();
    else if (http !== undefined) await http.stop();
    else renameSync(repository.folder, away);
    await complains(site, /cannot fetch/);
    await somePolls();
    expect(times(site, /cannot fetch/), site.daemon.output()).toBe(1);
    expect(await pidsOf(site)).toEqual(before);
    // Supervision does not depend on it.
    process.kill(before.api ?? 0, 'SIGKILL');
    await isAnother(site, 'api', before.api);
    if (sshd !== undefined) await sshd.start();
    else if (http !== undefined) await http.start();
    else renameSync(away, repository.folder);
    site.push({ web: sleeper(1), api: sleeper(2, 1) });
    await runs(site, 2, 1);
    await isWell(site);
    expect((await pidsOf(site)).web).toBe(before.web);
  });

  test('that is asked once an hour is asked again soon after it has failed', async () => {
    const site = cleanup.use(await running({ transport: 'http', poll: '1h' }));
    await site.http?.stop();
    site.push({ web: sleeper(1), api: sleeper(2, 1) });
    site.daemon.child.kill('SIGHUP');
    await complains(site, /cannot fetch/);
    await site.http?.start();
    await runs(site, 2, 1);
    await isWell(site);
  });

  test('from the very start: the daemon says so and ends, as with no desired state at all; the next one begins', async () => {
    const site = cleanup.use(await createSite({ transport: 'http' }));
    site.push({ web: sleeper(1) });
    await site.http?.stop();
    const first = await site.host.daemon();
    expect(await first.ended).toBe(1);
    expect(first.output()).toContain('cannot fetch');
    await site.http?.start();
    await site.host.daemon();
    await runs(site, 1, 0);
  });

  test('a boot without it goes on with what was good last', async () => {
    const site = cleanup.use(await running({ transport: 'http' }));
    const before = await pidsOf(site);
    await site.http?.stop();
    await complains(site, /cannot fetch/);
    await site.daemon.stop('SIGKILL');
    process.kill(before.web ?? 0, 'SIGKILL');
    const next = await site.host.daemon();
    await next.saw('ready');
    await isAnother(site, 'web', before.web);
    expect((await pidsOf(site)).api).toBe(before.api);
  });
});

test('a remote that accepts and then says nothing holds up neither status, nor supervision, nor the end', async () => {
  const site = cleanup.use(await running({ transport: 'http' }));
  const { http, daemon } = site;
  http?.be('stalls');
  const asked = http?.requests() ?? 0;
  await until(() => (http?.requests() ?? 0) > asked);
  const before = await pidsOf(site);
  process.kill(before.web ?? 0, 'SIGKILL');
  await isAnother(site, 'web', before.web);
  const start = performance.now();
  expect(await daemon.stop()).toBe(0);
  expect(performance.now() - start).toBeLessThan(20_000);
});

test('another host key: nothing is fetched from it, said once; heals with the right one', async () => {
  const site = cleanup.use(await running({ transport: 'ssh' }));
  const before = await pidsOf(site);
  await site.sshd?.stop();
  await site.sshd?.start('another');
  site.push({ web: sleeper(1), api: sleeper(2, 1) });
  await complains(site, /host's key/);
  await somePolls();
  expect(times(site, /host's key/), site.daemon.output()).toBe(1);
  expect(await pidsOf(site)).toEqual(before);
  await site.sshd?.stop();
  await site.sshd?.start();
  await runs(site, 2, 1);
  await isWell(site);
  expect((await pidsOf(site)).web).toBe(before.web);
});

test('an expired token: said once, with its file and never its text; heals with a new one in the file', async () => {
  const site = cleanup.use(await running({ transport: 'http' }));
  const before = await pidsOf(site);
  const { http } = site;
  if (http === undefined) throw new Error('no server');
  const expired = http.token;
  http.token = 'a-new-token-of-the-robot';
  site.push({ web: sleeper(1), api: sleeper(2, 1) });
  await complains(site, /denied/);
  await somePolls();
  expect(times(site, /denied/), site.daemon.output()).toBe(1);
  expect(await pidsOf(site)).toEqual(before);
  expect(site.daemon.output()).not.toContain(expired);
  writeFileSync(site.tokenFile, `${http.token}\n`, { mode: 0o600 });
  await runs(site, 2, 1);
  await isWell(site);
  expect(site.daemon.output()).not.toContain(http.token);
});
