import { chmodSync, type FSWatcher, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Running, running, runs, valueIn } from '../rig/git/follow.ts';
import { createSite, type Site, sleeper } from '../rig/git/site.ts';
import { type DaemonProcess, until } from '../rig/host.ts';

/** Of all changes of files, every so manieth. */
const STRIDE = process.env.RECONCILED_LONG === '1' ? 1 : process.env.RECONCILED_LONG === 'reduced' ? 4 : 2;

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

/** Kills a process with SIGKILL at the nth of something. */
interface Killer {
  /** From now on, at the nth. */
  arm(pid: number, n: number): void;
  disarm(): void;
}

/** At the nth start, or end, of a git: a program of that name that comes before the real one. */
function atGit(when: 'start' | 'end'): Killer & { readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-killer-'));
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  const plan = join(folder, 'plan');
  const act = 'read -r pid at < "$plan"; n=$(($(cat "$count") + 1)); echo $n > "$count"; [ $n != $at ] || kill -9 $pid';
  const body = when === 'start' ? `${act}\nexec "$real" "$@"` : `"$real" "$@"\ncode=$?\n${act}\nexit $code`;
  writeFileSync(
    join(folder, 'git'),
    `#!/bin/sh\nplan=${plan} count=${folder}/count\nPATH=\${PATH#${folder}:}\nreal=$(command -v git)\n${body}\n`,
  );
  chmodSync(join(folder, 'git'), 0o755);
  const arm = (pid: number, n: number) => {
    writeFileSync(join(folder, 'count'), '0');
    writeFileSync(plan, `${pid} ${n}\n`);
  };
  arm(0, 0);
  return { path: `${folder}:${process.env.PATH}`, arm, disarm: () => arm(0, 0) };
}

/** At the nth change of a file or a folder in the state. */
function atFile(state: string): Killer {
  let watcher: FSWatcher | undefined;
  const disarm = () => watcher?.close();
  cleanup.defer(disarm);
  return {
    disarm,
    arm: (pid, n) => {
      let seen = 0;
      disarm();
      watcher = watch(state, { recursive: true }, () => {
        seen += 1;
        if (seen === n) process.kill(pid, 'SIGKILL');
      });
      watcher.on('error', () => undefined);
    },
  };
}

/** It has ended by the kill, or gets so far that nothing is left to be killed in. */
async function killedOrDone(site: Site, daemon: DaemonProcess, value: number): Promise<'killed' | 'late'> {
  let done = false;
  await until(() => {
    const over = daemon.child.exitCode !== null || daemon.child.signalCode !== null;
    if (!over && valueIn(site, 2) === value) done = true;
    return over || done;
  });
  return done ? 'late' : 'killed';
}

/** What must hold after each: the right commit, one copy of each, nothing of it restarted, decisions that can be read. */
async function isWhole(site: Site, value: number, web: number): Promise<void> {
  await runs(site, 2, value);
  await until(async () => (await site.host.reconcile('--dry-run')).code === 0);
  expect(valueIn(site, 1)).toBe(0);
  const status = await site.host.reconcile('status');
  expect(status.code, status.stdout + status.stderr).toBe(0);
  expect(status.stdout).toContain(site.repository.git('rev-parse', 'main').slice(0, 7));
  expect((await site.host.pids()).web).toBe(web);
}

async function atEvery(site: Running, killer: Killer, stride = 1): Promise<number> {
  let { daemon } = site;
  const { web = 0 } = await site.host.pids();
  for (let n = 1, value = 1; ; n += stride, value += 1) {
    killer.arm(daemon.child.pid ?? 0, n);
    site.push({ web: sleeper(1), api: sleeper(2, value) });
    const came = await killedOrDone(site, daemon, value);
    killer.disarm();
    if (came === 'killed') daemon = await site.host.daemon();
    await isWhole(site, value, web);
    if (came === 'late') return n;
  }
}

test.each(['start', 'end'] as const)(
  'kill -9 of the daemon at every %s of a git: the next one converges',
  {
    timeout: 600_000,
  },
  async (when) => {
    const killer = atGit(when);
    const site = cleanup.use(await running({ trust: true, environment: { PATH: killer.path } }));
    // A look, a fetch, a verification at least.
    expect(await atEvery(site, killer)).toBeGreaterThan(2);
  },
);

test('kill -9 of the daemon at every change of a file in its state: the next one converges', {
  timeout: 1_200_000,
}, async () => {
  const site = cleanup.use(await running({ trust: true }));
  expect(await atEvery(site, atFile(join(site.host.runtime, 'state')), STRIDE)).toBeGreaterThan(10);
});

test('kill -9 of the daemon at every start of a git of the first fetch: the next one converges', {
  timeout: 600_000,
}, async () => {
  const killer = atGit('start');
  for (let n = 1; ; n += 1) {
    await using site = await createSite({ trust: true, environment: { PATH: killer.path } });
    site.push({ web: sleeper(1), api: sleeper(2, n) });
    // The pid is known only once it runs: the first git is what it starts last of all that it does first.
    const first = await site.host.daemon();
    killer.arm(first.child.pid ?? 0, n);
    const came = await killedOrDone(site, first, n);
    killer.disarm();
    if (came === 'killed') await site.host.daemon();
    await runs(site, 1, 0);
    await isWhole(site, n, (await site.host.pids()).web ?? 0);
    if (came === 'late') break;
  }
});

test('kill -9 of a one-shot sync at any time: the next one does what it should have', {
  timeout: 600_000,
}, async () => {
  const site = cleanup.use(await createSite({ trust: true }));
  site.push({ web: sleeper(1), api: sleeper(2) });
  expect((await site.host.reconcile('sync')).code).toBe(0);
  const { web = 0 } = await site.host.pids();
  for (let n = 1, ended = false; !ended; n += 2 * STRIDE) {
    site.push({ web: sleeper(1), api: sleeper(2, n) });
    const killer = atFile(join(site.host.runtime, 'state'));
    const sync = site.host.begin('sync');
    killer.arm(sync.child.pid ?? 0, n);
    ended = (await sync.ended) !== null;
    killer.disarm();
    const again = await site.host.reconcile('sync');
    expect(again.code, again.stdout + again.stderr).toBe(0);
    await isWhole(site, n, web);
  }
});
