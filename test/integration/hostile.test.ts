import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fill } from '../rig/disk.ts';
import { createHost, type Host, RECONCILE, until } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const sleeper = (ready = '0s') => ({ supervisor: 'builtin', command: ['sleep', '600'], start: { ready } });
const lastGood = () => join(host.runtime, 'state/decisions/last-good.json');
const TRACE = /\n\s+at |node:|TypeError/;

describe('two one-shots', () => {
  test('never act at once: the second waits for the first, and finds nothing to do', async () => {
    host.write('web', sleeper('3s'));
    const first = host.reconcile();
    await until(() => host.processes().length > 0);
    const second = await host.reconcile();
    expect(second.stderr).toContain('Waiting for another reconcile');
    expect(second.stdout).toContain('No changes');
    expect((await first).code).toBe(0);
  });
});

describe('a runtime folder that is removed under a daemon', () => {
  test('ends it with words, its services go on, and the next one takes them back', async () => {
    host.write('web', sleeper());
    const daemon = await host.daemon();
    await daemon.saw('applied: 1 done');
    const before = (await host.pids()).web;
    rmSync(host.runtime, { recursive: true });
    await daemon.saw('was removed while the daemon ran');
    expect(await daemon.stop()).toBe(1);
    expect(host.processes().map(({ pid }) => pid)).toContain(before);
    const next = await host.daemon();
    await next.saw('applied: 1 done');
    expect((await host.pids()).web).toBe(before);
    expect(await next.stop()).toBe(0);
  });
});

describe('a one-shot that waits for the daemon', () => {
  const asking = async () => {
    host.write('web', sleeper('2s'));
    const daemon = await host.daemon();
    await daemon.saw('web: create...');
    const child = spawn(RECONCILE, [], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    // Listened for from the first: it may end before its daemon is seen to have.
    const closed = once(child, 'close');
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    // Before it is connected, its own end would be tested.
    await until(() => readFileSync('/proc/net/unix', 'utf8').split(`${host.runtime}/control.sock`).length > 2);
    return { daemon, child, closed, said: () => stderr };
  };

  test('ends on Ctrl-C and says that the daemon goes on, which it does', async () => {
    const { daemon, child, closed, said } = await asking();
    child.kill('SIGINT');
    expect(await closed).toEqual([1, null]);
    expect(said()).toContain('the daemon goes on with what it was asked');
    await daemon.saw('applied: 1 done');
    expect(await daemon.stop()).toBe(0);
  });

  test('is told when the daemon dies', async () => {
    const { daemon, closed, said } = await asking();
    await daemon.stop('SIGKILL');
    expect(await closed).toEqual([1, null]);
    expect(said()).toMatch(/the daemon went away before it answered|cannot reach the daemon/);
    expect(said()).not.toMatch(TRACE);
  });
});

describe('damaged decisions', () => {
  test.each(['{', '[]', '5', 'null', '{"version":1}', '{"version":2,"services":[]}'])(
    'that hold %s converge nothing, and say how to acknowledge it',
    async (content) => {
      mkdirSync(join(host.runtime, 'state/decisions'), { recursive: true, mode: 0o700 });
      writeFileSync(lastGood(), content);
      host.write('web', sleeper());
      const { code, stdout, stderr } = await host.reconcile();
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`mv ${lastGood()} `);
      expect(stderr).not.toMatch(TRACE);
      expect(host.processes()).toEqual([]);
      const daemon = await host.daemon();
      await daemon.saw('mv ');
      expect(host.processes()).toEqual([]);
      renameSync(lastGood(), `${lastGood()}.damaged`);
      expect((await host.reconcile()).code).toBe(0);
      expect(Object.keys(await host.pids())).toEqual(['web']);
      expect(await daemon.stop()).toBe(0);
    },
  );

  test('of whose an owner is are told the same way', async () => {
    mkdirSync(join(host.runtime, 'state/decisions'), { recursive: true, mode: 0o700 });
    for (const content of ['5', '[]', '{"default":7}']) {
      writeFileSync(join(host.runtime, 'state/decisions/owners.json'), content);
      host.write('web', sleeper());
      const { code, stderr } = await host.reconcile();
      expect(code).toBe(1);
      expect(stderr).toContain('acknowledge');
      expect(host.processes()).toEqual([]);
    }
  });
});

describe('what the host refuses is told in words', () => {
  test.each(['--runtime-dir', '--state-dir'])('%s on a full disk', async (flag) => {
    host.write('web', sleeper());
    const { code, stderr } = await onFullDisk(flag);
    expect(code).toBe(1);
    expect(stderr).toContain('no space left on the device');
    expect(stderr).not.toMatch(TRACE);
    expect(host.processes()).toEqual([]);
  });
});

test.skipIf(process.getuid?.() !== 0)(
  'a runtime folder without room: what cannot be written down is not restarted, what is to stop is stopped',
  async () => {
    const disk = join(host.folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', disk]);
    try {
      const state = join(host.folder, 'state');
      await using full = await createHost({ environment: { RECONCILE_RUNTIME_DIR: disk, RECONCILE_STATE_DIR: state } });
      for (const name of ['off', 'web']) full.write(name, sleeper());
      expect((await full.reconcile()).code).toBe(0);
      const { web = 0 } = await full.pids();
      fill(join(disk, 'filler'));
      full.write('web', { ...sleeper(), environment: { MORE: 'x'.repeat(8192) } });
      full.write('off', { ...sleeper(), state: 'disabled' });
      const { code, stdout, stderr } = await full.reconcile();
      expect(code).toBe(3);
      expect(`${stdout}${stderr}`.replace(/\s+/g, ' ')).toContain(
        'its process was not touched; make room, then run `reconcile` again',
      );
      expect(await full.pids()).toEqual({ web });
      rmSync(join(disk, 'filler'));
      expect((await full.reconcile()).code).toBe(0);
      const after = await full.pids();
      expect(after).toEqual({ web: expect.any(Number) });
      expect(after.web).not.toBe(web);
      expect((await full.reconcile('--dry-run')).stdout).toBe('No changes: everything is as desired.\n');
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  },
);

test('a command line that is wrong is told as JSON too', async () => {
  const { code, stdout } = await host.reconcile('--json', '--frob');
  expect(code).toBe(1);
  expect(JSON.parse(stdout).problems).toMatchObject([{ code: 'usage', summary: "unknown option '--frob'" }]);
});

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: host.folder,
    RECONCILE_DESIRED_STATE: host.desired,
    RECONCILE_RUNTIME_DIR: host.runtime,
  };
}

/** Runs `reconcile` in a mount namespace of its own, with a folder on a file system that is full. */
async function onFullDisk(flag: string): Promise<{ code: number | null; stderr: string }> {
  const full = join(host.folder, 'full');
  mkdirSync(full);
  const script = join(host.folder, 'full.sh');
  writeFileSync(
    script,
    `mount -t tmpfs -o size=64k,mode=700 tmpfs ${full} && { head -c 1M /dev/zero >${full}/fill; "$@"; }\n`,
  );
  chmodSync(script, 0o700);
  const child = spawn(
    'unshare',
    ['--mount', '--map-root-user', 'sh', script, RECONCILE, flag, full].filter(
      (arg) => arg !== '--map-root-user' || process.getuid?.() !== 0,
    ),
    {
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

describe('another runtime folder than that of the daemon', () => {
  test('takes nothing from it, and nothing runs twice; what is left behind is taken back', async () => {
    host.write('web', sleeper());
    const daemon = await host.daemon();
    await daemon.saw('applied: 1 done');
    const { web = 0 } = await host.pids();
    const other = ['--runtime-dir', join(host.folder, 'other')];
    const restarted = await host.reconcile('restart', 'web', ...other);
    expect(restarted.code).toBe(3);
    expect(restarted.stdout.replace(/\s+/g, ' ')).toContain(
      `keeps it running ask that one: --runtime-dir ${host.runtime}`,
    );
    const second = await host.reconcile('daemon', ...other);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('cannot start a second daemon for')]);
    expect(second.stderr).toContain(`--runtime-dir ${host.runtime}`);
    process.kill(web, 'SIGKILL');
    await until(async () => ((await host.pids()).web ?? web) !== web);
    const { web: now } = await host.pids();
    expect(await daemon.stop()).toBe(0);
    expect((await host.reconcile(...other)).code).toBe(0);
    expect((await host.pids()).web).toBe(now);
    expect(host.processes().filter(({ command }) => command === 'sleep 600')).toHaveLength(1);
  });
});

test('a folder that is missing in a Git repository is told without a trace', async () => {
  execFileSync('git', ['init', '--quiet'], { cwd: host.folder });
  for (const command of ['--dry-run', 'validate', 'status', 'doctor']) {
    const { stdout, stderr } = await host.reconcile(command, '--desired-state', join(host.folder, 'nowhere'));
    expect(stdout + stderr).not.toMatch(TRACE);
    expect(stdout + stderr).toContain(join(host.folder, 'nowhere'));
  }
});
