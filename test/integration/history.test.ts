import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fill } from '../rig/disk.ts';
import { createHost, type Host, until } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
  git('init', '-q', '-b', 'main');
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

function git(...args: readonly string[]): string {
  const who = ['-c', 'user.name=Jane Doe', '-c', 'user.email=jane@example.org'];
  return execFileSync('git', [...who, ...args], { cwd: host.folder, encoding: 'utf8' }).trim();
}

function commit(subject: string): string {
  git('add', 'desired-state');
  git('commit', '-q', '-m', subject);
  return git('rev-parse', 'HEAD').slice(0, 12);
}

const sleeper = (seconds: number, extra: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', String(seconds)],
  start: { ready: '0s' },
  restart: { backoff: { initial: '100ms' } },
  soak: '1s',
  ...extra,
});

/** What differs from run to run: times, pids, names of runs and how long things took. */
function plain(text: string): string {
  return (
    text
      .replaceAll(host.folder, 'HOST')
      .replace(/\d\d:\d\d:\d\d/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\d( TIME| \d\d:\d\d|)/g, 'DAY')
      .replace(/\brun [0-9a-z]{8}\b/g, 'run RUN')
      .replace(/pid \d+/g, 'pid PID')
      // Where a line is broken depends on pids.
      .replace(/last applied:\s+/, 'last applied: ')
      .replace(/done in (\d+ms|\d+s\d+ms|\d+s)/g, 'done in TOOK')
  );
}

test('history and explain tell the story of a change and of a crash', async () => {
  host.write('web', sleeper(600));
  host.write('worker', sleeper(601));
  const first = commit('web and worker');
  host.write('web', sleeper(602, { environment: { API_TOKEN: 'hunter2' } }));
  const second = commit('web: sleep longer');
  git('checkout', '-q', first);
  const daemon = await host.daemon();
  const stayedWell = () => daemon.output().match(/web[^\n]*stayed well/g)?.length ?? 0;
  await until(() => stayedWell() === 1, 120);
  // At once: what is not committed yet would be applied too.
  git('checkout', '-q', second);
  await until(() => stayedWell() === 2, 120);
  const { web = 0 } = await host.pids();
  process.kill(web, 'SIGKILL');
  await until(() => /RUNNING -> STARTING.*STARTING -> RUNNING/s.test(daemon.output()));

  const story = `\
TIME  run RUN  files changed: 1 step (1 replace); ${second}
TIME    to do: restart pid PID, new definition; command: sleep 600 -> sleep 602;
            environment.API_TOKEN: (not set) -> ***
TIME    RUNNING -> STOPPING pid PID
TIME    STOPPING -> STOPPED (ended with signal SIGTERM)
TIME    STOPPED -> STARTING
TIME    STARTING -> RUNNING pid PID
TIME    replace done in TOOK, pid PID
`;
  const crash = `\
TIME  changed, and stayed well
TIME  RUNNING -> STARTING (ended with signal SIGKILL)
TIME  STARTING -> RUNNING pid PID
`;
  const history = await host.reconcile('history', 'web');
  expect(history.stderr).toBe('');
  expect(history.code).toBe(0);
  expect(plain(history.stdout)).toBe(`\
DAY UTC
TIME  run RUN  the daemon began: 2 steps (2 create); ${first}
TIME    to do: create and start
TIME    STOPPED -> STARTING
TIME    STARTING -> RUNNING pid PID
TIME    create done in TOOK, pid PID
TIME  changed, and stayed well
${story}${crash}`);

  const explained = await host.reconcile('explain', 'web');
  expect(explained.stderr).toBe('');
  expect(plain(explained.stdout)).toBe(`\
From commit ${second} "web: sleep longer" by Jane Doe, DAY UTC

DAY UTC
${story}${crash}
Now:  RUNNING under builtin, pid PID, since DAY UTC, 1 restart, HEALTHY, last
      applied: ${second}
Why:  it is as Git says
Next: nothing has to be done
`);

  // What the daemon has recorded, it has kept: it is killed without a warning.
  await daemon.stop('SIGKILL');
  expect((await host.reconcile('history', 'web')).stdout).toBe(history.stdout);
  const json = await host.reconcile('history', 'web', '--json');
  const entries = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(entries.at(-1)).toMatchObject({
    kind: 'state',
    service: 'web',
    run: null,
    revision: second,
    level: 'info',
    text: expect.stringMatching(/^STARTING -> RUNNING pid \d+$/),
  });
  expect(Object.keys(entries[0] ?? {})).toEqual([
    'id',
    'at',
    'run',
    'kind',
    'service',
    'revision',
    'level',
    'text',
    'data',
  ]);
  const state = join(host.runtime, 'state');
  const kept = readdirSync(state).filter((file) => file.startsWith('journal'));
  expect(kept).toContain('journal.db');
  for (const file of kept) expect(readFileSync(join(state, file)).includes('hunter2'), file).toBe(false);
});

test('without a daemon the journal tells who asked, and of what is left alone', async () => {
  const nothing = await host.reconcile('history');
  expect(nothing).toEqual({
    code: 0,
    stdout: '',
    stderr: `There is no journal in ${host.runtime}/state: nothing was applied there yet, or its state folder is another (--state-dir).\n`,
  });
  host.write('web', sleeper(600));
  host.write('bad', sleeper(600, { command: ['/no/such/program'] }));
  await host.reconcile('--dry-run');
  expect(existsSync(join(host.runtime, 'state', 'journal.tail'))).toBe(false);
  expect((await host.reconcile()).code).toBe(3);
  expect((await host.reconcile('--only', 'web')).code).toBe(0);
  const { stdout } = await host.reconcile('history');
  expect(
    plain(stdout)
      .replace(/content:[0-9a-f]+/, 'CONTENT')
      .replace(/run RUN {2}\S+( \(sudo by \S+\))? asked/, 'run RUN  SOMEBODY asked'),
  ).toBe(`\
DAY UTC
TIME  run RUN  SOMEBODY asked to apply: 1 step (1 create), 1 held; CONTENT
TIME    web  to do: create and start
TIME    bad  left alone: services/bad.yaml: cannot start bad: command /no/such/program does not
                 exist (install it, or correct \`command\`)
TIME    web  create done in TOOK, pid PID
TIME    applied: 1 done, 0 failed or skipped
`);
  const bad = await host.reconcile('explain', 'bad');
  expect(bad.stdout.trimEnd().split('\n').slice(-3)).toEqual([
    'Now:  ABSENT under builtin, DEAD',
    'Why:  it is held: cannot start bad: command /no/such/program does not exist',
    'Next: install it, or correct `command`',
  ]);
  const unknown = await host.reconcile('history', 'wbe');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toBe("cannot show the history of 'wbe': there is no such service\n  did you mean 'web'?\n");
  const cut = await host.reconcile('history', '--limit', '1');
  expect(plain(cut.stdout).split('\n')).toHaveLength(4);
  expect(cut.stderr).toBe('There are older ones: --limit 10\n');
  expect((await host.reconcile('history', '--since', '0s')).stderr).toBe('Nothing is recorded since then.\n');
});

test('diff tells what a change would do here, and changes nothing', async () => {
  host.write('web', sleeper(600));
  host.write('worker', sleeper(601, { instances: 2 }));
  host.write('off', sleeper(602, { state: 'stopped' }));
  commit('all');
  const same = await host.reconcile('diff', 'HEAD..');
  expect(same.code).toBe(0);
  expect(same.stdout).toMatch(/No changes: everything is as desired\.\n$/);
  host.write('web', sleeper(603));
  host.write('worker', sleeper(601));
  host.write('off', sleeper(602, { state: 'absent' }));
  const last = commit('web, worker and off');
  const { code, stdout } = await host.reconcile('diff', 'HEAD~1..HEAD');
  expect(code).toBe(2);
  expect(stdout.split('\n').slice(1).join('\n')).toBe(`\
to    ${last} "web, worker and off" by Jane Doe

  - off       remove
      its desired state is absent
-/+ web       restart, new definition
      command: sleep 600 -> sleep 603
  - worker@1  stop and remove
      is now worker
  - worker@2  stop and remove
      not among its instances in Git: 1
  + worker    create and start

Plan: 1 to create, 1 to restart, 3 to remove.
`);
  const back = await host.reconcile('diff', '..HEAD~1', '--only', 'web', '--json');
  expect(JSON.parse(back.stdout)).toMatchObject({ from: last, steps: [{ id: 'replace:web', effect: 'restart' }] });
  expect(host.processes()).toEqual([]);
  expect(existsSync(join(host.runtime, 'state', 'journal.tail'))).toBe(false);
  for (const [range, said] of [
    ['HEAD', "cannot take 'HEAD' for two commits"],
    ['HEAD...', "cannot take 'HEAD...' for two commits"],
    ['nowhere..', "there is no commit 'nowhere' in the repository of the desired state"],
  ] as const) {
    const wrong = await host.reconcile('diff', range);
    expect([wrong.code, wrong.stderr.split('\n')[0]]).toEqual([1, said]);
  }
  host.write('web', 'command: [');
  commit('broken');
  const broken = await host.reconcile('diff', 'HEAD~1..HEAD');
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/^cannot tell what the change would do: the desired state of HEAD can't be read/);
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(
  'a full disk stops neither supervision nor the daemon, is told once, and loses no event',
  async () => {
    const disk = mkdtempSync(join(tmpdir(), 'reconciled-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', disk]);
    try {
      await using full = await createHost({ environment: { RECONCILE_STATE_DIR: disk } });
      full.write('web', sleeper(600, { soak: '1s' }));
      const daemon = await full.daemon();
      await daemon.saw('stayed well');
      await until(() => existsSync(join(disk, 'journal.db')));
      fill(join(disk, 'filler'));
      const { web = 0 } = await full.pids();
      process.kill(web, 'SIGKILL');
      await daemon.saw(/cannot write the journal in/);
      await until(async () => ((await full.pids()).web ?? web) !== web);
      const again = (await full.pids()).web ?? 0;
      process.kill(again, 'SIGKILL');
      await until(async () => ((await full.pids()).web ?? again) !== again);
      expect(daemon.output().match(/cannot write the journal/g)).toHaveLength(1);
      rmSync(join(disk, 'filler'));
      await until(async () => {
        const { stdout } = await full.reconcile('history', 'web');
        return stdout.match(/\(ended with signal SIGKILL/g)?.length === 2;
      });
      expect(await daemon.stop()).toBe(0);
    } finally {
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true });
    }
  },
);
