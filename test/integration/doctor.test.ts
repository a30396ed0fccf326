import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHost, type Host, RECONCILE, until } from '../rig/host.ts';

interface Finding {
  readonly topic: string;
  readonly check: string;
  readonly grade: 'ok' | 'warning' | 'error';
  readonly says: string;
  readonly evidence: readonly string[];
  readonly mend: readonly string[];
}

let host: Host;
beforeEach(async () => {
  host = await createHost();
  host.write('web', {
    supervisor: 'builtin',
    command: ['sleep', String(987_000 + process.pid)],
    start: { ready: '0s' },
  });
});
afterEach(() => host[Symbol.asyncDispose]());

/** What is not well, and the exit code; of this host alone: the machine that this runs on may have its own ills. */
async function doctor(
  wrap: readonly string[] = [],
): Promise<{ readonly code: number; readonly ailing: readonly Finding[]; readonly all: readonly Finding[] }> {
  const [program = RECONCILE, ...args] = [...wrap, RECONCILE, 'doctor', '--json'];
  const env = { PATH: process.env.PATH, HOME: host.folder, RECONCILE_RUNTIME_DIR: host.runtime };
  const { code, stdout, stderr } = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile(program, args, { cwd: host.folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
  if (stdout === '') throw new Error(`doctor ended with ${code}: ${stderr}`);
  const all = (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings;
  const isMine = ({ topic, check }: Finding) =>
    !['clock', 'disk', 'limits', 'git'].includes(topic) &&
    !['linger', 'runtime-dir', 'supervisord-socket'].includes(check);
  return { code, all, ailing: all.filter((one) => one.grade !== 'ok' && isMine(one)) };
}

const sh = (script: string) =>
  new Promise<void>((resolve, reject) =>
    execFile('sh', ['-c', script], { cwd: host.folder }, (error) => (error ? reject(error) : resolve())),
  );

it('a healthy host has no errors, with a daemon and without; nothing is changed by looking', async () => {
  const before = await doctor();
  expect([before.code, before.ailing]).toEqual([0, []]);
  const daemon = await host.daemon();
  await daemon.saw('applied: 1 done');
  const { code, ailing, all } = await doctor();
  expect([code, ailing]).toEqual([0, []]);
  const says = (check: string) => all.find((one) => one.check === check)?.says;
  expect(says('daemon')).toMatch(/^it runs, pid \d+, since .*, and answers$/);
  expect(says('last-run')).toMatch(/applied: 1 done/);
  expect(says('socket')).toContain('control.sock: somebody listens, mode 0600');
  expect(says('desired-state')).toContain('valid, 1 service');
  const text = await host.reconcile('doctor');
  expect([text.code, text.stderr]).toEqual([0, '']);
  expect(text.stdout).toMatch(/^ok +tool +Node /);
  expect(text.stdout).toMatch(/\d+ ok\.\n$/);
  // What a daemon writes meanwhile is its own affair: it is ended before.
  await daemon.stop();
  const tree = snapshot(host.folder);
  expect((await doctor()).ailing.map(({ check }) => check)).toEqual(['daemon']);
  expect(snapshot(host.folder)).toEqual(tree);
});

it('what a person decided, and a state that is not valid, is told', async () => {
  const daemon = await host.daemon();
  await daemon.saw('applied: 1 done');
  await host.reconcile('freeze', '--reason', 'audit');
  await host.reconcile('hold', 'web', '--reason', 'debug');
  const { code, ailing, all } = await doctor();
  expect([code, ailing.map(({ check, mend }) => [check, mend])]).toEqual([0, [['freeze', ['reconcile unfreeze']]]]);
  expect(all.find(({ check }) => check === 'holds')?.says).toContain('left alone, as somebody wants it: web (by ');
  host.write('web', 'supervisor: builtin\ncomand: [x]\n');
  const bad = await doctor();
  expect(bad.code).toBe(3);
  const found = bad.ailing.find(({ check }) => check === 'desired-state');
  expect(found?.evidence.join('\n')).toMatch(
    /services\/web.yaml:2:1: unknown key 'comand'\nin force meanwhile: content:/,
  );
});

it('a daemon that hangs, and one that was killed, are told; the command that is named for it mends it', async () => {
  const daemon = await host.daemon();
  await daemon.saw('applied: 1 done');
  daemon.child.kill('SIGSTOP');
  const hung = await doctor();
  expect(hung.code).toBe(3);
  const silent = hung.ailing.find(({ check }) => check === 'daemon');
  expect(silent).toMatchObject({ grade: 'error', says: expect.stringContaining('no answer within 6s') });
  expect(silent?.mend).toEqual([expect.stringMatching(/^kill -CONT \d+$/)]);
  await sh(silent?.mend[0] ?? '');
  expect((await doctor()).code).toBe(0);
  await daemon.stop('SIGKILL');
  const killed = await doctor();
  expect([killed.code, killed.ailing.map(({ check }) => check)]).toEqual([0, ['daemon', 'socket-stale']]);
  expect(killed.ailing[0]?.evidence[0]).toContain('1 service of the embedded supervisor');
  await sh(killed.ailing[1]?.mend[0] ?? '');
  expect((await doctor()).ailing.map(({ check }) => check)).toEqual(['daemon']);
});

it('folders that others can write, damaged decisions, and another owner are told, and mended by the commands', async () => {
  await host.reconcile();
  chmodSync(host.runtime, 0o777);
  const state = join(host.runtime, 'state');
  chmodSync(join(state, 'key'), 0o644);
  writeFileSync(join(state, 'decisions/marks.json'), '{');
  const { code, ailing } = await doctor();
  expect(code).toBe(3);
  expect(ailing.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['runtime-folder', 'host-key', 'decisions-damaged']),
  );
  for (const mend of ailing
    .filter(({ topic }) => topic === 'folders' || topic === 'decisions')
    .flatMap((one) => one.mend))
    await sh(mend);
  const mended = await doctor();
  expect(mended.ailing.map(({ check }) => check)).toEqual(['daemon']);
  expect(existsSync(join(state, 'decisions/marks.json.damaged'))).toBe(true);
});

it('a process that runs a service’s command beside it, and a low limit, are told', async () => {
  const stray = spawn('sleep', [String(987_000 + process.pid)], { cwd: '/', stdio: 'ignore' });
  await once(stray, 'spawn');
  try {
    const { code, ailing } = await doctor();
    expect([code, ailing.map(({ check }) => check)]).toEqual([3, ['stray']]);
    expect(ailing[0]?.mend).toEqual([`reconcile who ${stray.pid}`, `kill ${stray.pid}`]);
  } finally {
    stray.kill();
  }
  await once(stray, 'exit');
  const { code, all } = await doctor(['prlimit', '--nofile=100:100']);
  expect(code).toBe(3);
  expect(all.find(({ check }) => check === 'open-files')?.says).toMatch(/may open only 100 files, and needs some 134/);
});

it('a configuration that is not valid is told first, and the rest is looked at all the same', async () => {
  writeFileSync(join(host.folder, 'reconcile.config.yaml'), 'gti: { url: x }\n');
  const { code, ailing, all } = await doctor();
  expect([code, ailing[0]?.says]).toEqual([3, expect.stringContaining("unknown key 'gti'")]);
  expect(all.some(({ check }) => check === 'programs')).toBe(true);
});

it.runIf(existsSync('/usr/bin/supervisord'))(
  'a supervisord of others whose socket is open to all is told',
  async () => {
    const folder = join(host.folder, 'other');
    mkdirSync(folder);
    const config = join(folder, 'supervisord.conf');
    const rpc = 'supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface';
    writeFileSync(
      config,
      `[unix_http_server]\nfile=${folder}/s.sock\nchmod=0777\n[supervisord]\nnodaemon=true\nnocleanup=true\npidfile=${folder}/pid\nlogfile=/dev/null\nlogfile_maxbytes=0\n[rpcinterface:supervisor]\n${rpc}\n`,
    );
    const child = spawn('supervisord', ['-c', config], { stdio: 'ignore' });
    try {
      await until(() => existsSync(join(folder, 's.sock')));
      const { all } = await doctor();
      const found = all.find(({ check, says }) => check === 'supervisord-socket' && says.includes(config));
      expect(found).toMatchObject({
        grade: 'warning',
        says: expect.stringContaining('any user of this host can control'),
      });
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  },
);

/** Every file below, with what would tell a write; but for what SQLite makes for whoever reads its file. */
function snapshot(folder: string): readonly string[] {
  const names = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => !/\.db-(shm|wal)$/.test(name));
  return names.sort().map((name) => {
    const stat = statSync(join(folder, name));
    return stat.isFile() ? [name, stat.size, stat.mtimeMs, stat.mode, stat.ino].join(' ') : name;
  });
}
