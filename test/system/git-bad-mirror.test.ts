import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { complains, isAnother, isWell, pidsOf, running, runs, somePolls, times, valueIn } from '../rig/git/follow.ts';
import { sleeper } from '../rig/git/site.ts';

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

describe('a mirror that is damaged', () => {
  const objects = (mirror: string) =>
    globSync('objects/{pack/*.pack,??/*}', { cwd: mirror }).map((name) => join(mirror, name));
  const DAMAGES: Readonly<Record<string, (mirror: string) => void>> = {
    'every object cut off': (mirror) => {
      for (const file of objects(mirror)) truncateSync(file, Math.floor(statSync(file).size / 2));
    },
    'every object gone': (mirror) => {
      for (const file of objects(mirror)) rmSync(file);
    },
    'every object full of zeros': (mirror) => {
      for (const file of objects(mirror)) writeFileSync(file, Buffer.alloc(statSync(file).size));
    },
    'garbage in HEAD': (mirror) => writeFileSync(join(mirror, 'HEAD'), 'garbage\n'),
    'garbage in its configuration': (mirror) => writeFileSync(join(mirror, 'config'), '[[[\n'),
    'garbage in the ref': (mirror) => writeFileSync(join(mirror, 'refs/reconciled/fetched'), 'garbage\n'),
    'an empty ref, as after a power cut': (mirror) => writeFileSync(join(mirror, 'refs/reconciled/fetched'), ''),
    'stale locks': (mirror) => {
      for (const name of [
        'HEAD.lock',
        'config.lock',
        'shallow.lock',
        'packed-refs.lock',
        'refs/reconciled/fetched.lock',
      ])
        writeFileSync(join(mirror, name), '');
    },
    'an empty folder': (mirror) => {
      rmSync(mirror, { recursive: true });
      mkdirSync(mirror);
    },
    'gone altogether': (mirror) => rmSync(mirror, { recursive: true }),
  };

  test.each(Object.keys(DAMAGES))('%s: is made anew, and the next commit goes through', async (damage) => {
    const site = cleanup.use(await running({ trust: true }));
    const before = await pidsOf(site);
    site.push({ web: sleeper(1), api: sleeper(2, 1) });
    await runs(site, 2, 1);
    const [mirror = ''] = globSync(join(site.host.runtime, 'state/git/*/mirror.git'));
    DAMAGES[damage]?.(mirror);
    site.push({ web: sleeper(1), api: sleeper(2, 2) });
    await runs(site, 2, 2);
    await isWell(site);
    expect((await pidsOf(site)).web).toBe(before.web);
  });

  test('the tree in force is gone: it is written anew, and nothing is restarted', async () => {
    const site = cleanup.use(await running());
    const before = await pidsOf(site);
    const [trees = ''] = globSync(join(site.host.runtime, 'state/git/*/trees'));
    for (const name of readdirSync(trees)) rmSync(join(trees, name), { recursive: true });
    const sync = await site.host.reconcile('sync');
    expect(sync.code, sync.stdout + sync.stderr).toBe(0);
    await isWell(site);
    expect(await pidsOf(site)).toEqual(before);
    expect((await site.host.reconcile('--dry-run')).code).toBe(0);
  });
});

test('a full disk: what was good stays, services are supervised, and it heals with room', async () => {
  const disk = mkdtempSync(join(tmpdir(), 'reconciled-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=0700', 'tmpfs', disk]);
  cleanup.defer(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true });
  });
  const site = cleanup.use(await running({ stateDir: join(disk, 'state') }));
  const before = await pidsOf(site);
  const filler = join(disk, 'filler');
  fill(filler);
  // More than is left, and nothing that could be packed smaller.
  const noise = Array.from({ length: 3000 }, () => `# ${Math.random()}${Math.random()}`).join('\n');
  const files = site.files({ web: sleeper(1), api: sleeper(2, 1) });
  const commit = site.repository.commit({ ...files, 'services/web.yaml': `${noise}\n${files['services/web.yaml']}` });
  site.repository.push(commit);
  await site.daemon.saw(/no space left/i);
  await complains(site, /no space left/i);
  await somePolls();
  expect(times(site, /cannot (?:fetch|keep).*no space left/i), site.daemon.output()).toBe(1);
  expect(await pidsOf(site)).toEqual(before);
  process.kill(before.web ?? 0, 'SIGKILL');
  await isAnother(site, 'web', before.web);
  expect(valueIn(site, 2)).toBe(0);
  rmSync(filler);
  await runs(site, 2, 1);
  await isWell(site);
});

/** Leaves nothing. */
function fill(file: string): void {
  try {
    for (let size = 1 << 20; ; ) {
      try {
        writeFileSync(file, Buffer.alloc(size, 7), { flag: 'a' });
      } catch (error) {
        if (size === 512) throw error;
        size = Math.max(512, size >> 1);
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
