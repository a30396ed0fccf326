import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  complains,
  isWell,
  notes,
  pidsOf,
  type Running,
  running,
  runs,
  somePolls,
  times,
  valueIn,
} from '../rig/git/follow.ts';
import { type Site, sleeper } from '../rig/git/site.ts';
import { until } from '../rig/host.ts';

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

test('no commit that can be no desired state removes or changes anything; each is said once, the next good one goes through', {
  timeout: 600_000,
}, async () => {
  const site = cleanup.use(await running({ path: 'deploy' }));
  const before = await pidsOf(site);
  const good = site.files({ web: sleeper(1), api: sleeper(2) });
  const invalid = { ...good, 'deploy/services/api.yaml': 'supervisor: builtin\ncommand: sleep\nnonsense: 1\n' };
  const bad: Readonly<
    Record<string, { readonly files: Parameters<Site['repository']['commit']>[0]; readonly says: RegExp }>
  > = {
    'an empty tree': { files: {}, says: /no folder deploy/ },
    'a folder that is gone': { files: { 'README.md': 'x' }, says: /no folder deploy/ },
    'a file where the folder was': { files: { deploy: 'x' }, says: /no folder deploy/ },
    'an invalid file': { files: invalid, says: /nonsense|command/ },
    'a pointer of LFS': {
      files: {
        ...good,
        'deploy/data.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 1\n`,
      },
      says: /LFS/,
    },
    'a submodule': { files: { ...good, 'deploy/lib': { submodule: '2'.repeat(40) } }, says: /submodule/ },
    'a link that leads out': {
      files: { ...good, 'deploy/services/x.yaml': { link: '../../../etc/passwd' } },
      says: /leads out/,
    },
    'a file of 2 MiB': { files: { ...good, 'deploy/big': 'x'.repeat(2 << 20) }, says: /larger than/ },
  };
  let value = 0;
  for (const [what, { files, says }] of Object.entries(bad)) {
    const said = times(site, says);
    site.repository.push(site.repository.commit(files, { message: what }));
    await complains(site, says);
    await site.host.reconcile('sync');
    await site.host.reconcile('sync');
    expect(times(site, says) - said, `${what}: ${site.daemon.output()}`).toBe(1);
    expect((await pidsOf(site)).web, what).toBe(before.web);
    expect(valueIn(site, 2), what).toBe(value);
    value += 1;
    site.push({ web: sleeper(1), api: sleeper(2, value) });
    await runs(site, 2, value);
    await isWell(site);
  }
  expect((await pidsOf(site)).web).toBe(before.web);
});

describe('a commit of 100,000 files', () => {
  const many = function* (folder: string): Generator<readonly [string, string]> {
    for (let i = 0; i < 100_000; i += 1) yield [`${folder}/${i % 300}/${i}.yaml`, `command: [sleep, "${i % 500}"]\n`];
  };

  test.each(['in the folder of the desired state', 'beside it'])(
    '%s: memory stays bounded',
    { timeout: 300_000 },
    async (where) => {
      const site = cleanup.use(await running({ path: 'deploy' }));
      const before = await pidsOf(site);
      const peak = () =>
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${daemonPid(site)}/status`, 'utf8'))?.[1]) / 1024;
      const [atFirst, inside] = [peak(), where.startsWith('in')];
      const head = site.repository.git('rev-parse', 'main');
      const bomb = site.repository.huge(many(inside ? 'deploy/services' : 'data'), head);
      site.repository.push(bomb);
      if (inside) await complains(site, /more than 10000 files/);
      else await until(async () => (await notes(site)).some(({ ok, text }) => ok && text.includes(bomb.slice(0, 7))));
      expect(await pidsOf(site), site.daemon.output()).toEqual(before);
      expect(peak() - atFirst, `from ${atFirst} MB`).toBeLessThan(60);
      site.push({ web: sleeper(1), api: sleeper(2, 1) });
      await runs(site, 2, 1);
      expect((await pidsOf(site)).web).toBe(before.web);
    },
  );

  /** The launcher becomes it. */
  const daemonPid = ({ daemon }: Running) => daemon.child.pid ?? 0;
});

describe('under trust', () => {
  test('rewritten history is refused, said once, and taken only by sync --allow-rewind', async () => {
    const site = cleanup.use(await running({ trust: true }));
    const before = await pidsOf(site);
    const { repository, keys, host } = site;
    const first = repository.git('rev-parse', 'main');
    site.push({ web: sleeper(1), api: sleeper(2, 1) });
    await runs(site, 2, 1);
    // Signed by whom it may be, and yet not what comes next.
    const files = site.files({ web: sleeper(1), api: sleeper(2, 2) });
    repository.push(repository.commit(files, { parents: [first], signedBy: keys.good }));
    await complains(site, /does not come after/);
    await somePolls();
    expect(times(site, /does not come after/), site.daemon.output()).toBe(1);
    expect(valueIn(site, 2)).toBe(1);
    const refused = await host.reconcile('sync');
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toContain('--allow-rewind');
    // An older commit that was in force once is none the better.
    repository.push(first);
    await complains(site, new RegExp(first.slice(0, 7)));
    expect(valueIn(site, 2)).toBe(1);
    const taken = await host.reconcile('sync', '--allow-rewind');
    expect(taken.code, taken.stdout + taken.stderr).toBe(0);
    await runs(site, 2, 0);
    await isWell(site);
    expect((await pidsOf(site)).web).toBe(before.web);
  });

  test('an unsigned commit that comes with a signed merge is named, and nothing of it applied', async () => {
    const site = cleanup.use(await running({ trust: true }));
    const before = await pidsOf(site);
    const { repository, keys } = site;
    const head = repository.git('rev-parse', 'main');
    const unsigned = repository.commit(site.files({ web: sleeper(1), api: sleeper(2, 7) }), { parents: [head] });
    const beside = repository.commit(site.files({ web: sleeper(1), api: sleeper(2), more: sleeper(3) }), {
      parents: [head],
      signedBy: keys.good,
    });
    repository.push(repository.merge(beside, unsigned, { signedBy: keys.good }));
    await complains(site, new RegExp(unsigned.slice(0, 7)));
    await somePolls();
    expect(times(site, new RegExp(unsigned.slice(0, 7))), site.daemon.output()).toBe(1);
    expect(await pidsOf(site), site.daemon.output()).toEqual(before);
    // Without it: a force-push, but forward from what is in force.
    repository.push(beside);
    await runs(site, 3, 0);
    await isWell(site);
    expect((await pidsOf(site)).web).toBe(before.web);
  });
});
