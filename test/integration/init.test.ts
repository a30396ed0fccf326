import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { daemonProcess, RECONCILE, type Result } from '../rig/host.ts';

let home: string;
/** A shell of somebody who has never used any of this. */
const sh = (script: string, cwd = home): Promise<Result> =>
  new Promise((resolve) => {
    execFile('sh', ['-c', script], { cwd, env: environment() }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
/** As root the folders would be those of the host, which this must not touch. */
const environment = () => ({
  ...{ PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: join(home, 'state'), RECONCILE },
  ...(process.getuid?.() === 0 ? { RECONCILE_RUNTIME_DIR: join(home, 'run') } : {}),
});

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-home-')));
  chmodSync(home, 0o755);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('what init prints works as it is printed, from the first look to the first commit', async () => {
  const dry = await sh(`${RECONCILE} init ops --dry-run`);
  expect([dry.code, dry.stdout.split('\n')[0]]).toEqual([2, `Would write to ${home}/ops:`]);
  const made = await sh(`${RECONCILE} init ops --json`);
  const { next, files } = JSON.parse(made.stdout) as { next: { command: string }[]; files: { what: string }[] };
  expect([made.code, made.stderr, new Set(files.map(({ what }) => what))]).toEqual([0, '', new Set(['written'])]);
  const commands = next.map(({ command }) => command);
  expect(commands.at(-1)).toMatch(/reconcile daemon$/);
  // All but the daemon, in one shell; a dry run says by its code that there is something to do.
  const script = commands.slice(0, -1).map((line) => (line.endsWith('--dry-run') ? `${line} || [ $? = 2 ]` : line));
  const ran = await sh(`set -e\n${script.join('\n')}`);
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('Unsupervised until `reconcile daemon` runs')]);
  expect(ran.stdout).toMatch(/Valid: 1 service .*\n {2}\+ hello {2}create and start\n/);
  expect(ran.stdout).toMatch(/Applied: 1 done/);
  expect(ran.stdout).toMatch(/^hello +builtin +running +RUNNING/m);
  expect((await sh('git log --format=%s', join(home, 'ops'))).stdout).toBe('A first desired state\n');
  // And the daemon, which takes back what runs.
  const daemon = daemonProcess(
    spawn('sh', ['-c', `exec ${commands.at(-1)} --stop-services`], { cwd: join(home, 'ops'), env: environment() }),
  );
  await daemon.saw('hello: taken back as it runs');
  expect(await daemon.stop()).toBe(0);
  // A second time there is nothing to do but what is always to be done.
  const again = await sh(`${RECONCILE} init --json`, join(home, 'ops'));
  expect(again.code).toBe(0);
  expect(
    JSON.parse(again.stdout)
      .next.map(({ command }: { command: string }) => command)
      .join('\n'),
  ).not.toContain('git');
  writeFileSync(join(home, 'ops/desired-state/services/web.yaml'), 'supervisor: builtin\ncommand: [sleep, "9"]\n');
  const refused = await sh(`${RECONCILE} init`, join(home, 'ops'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('there is one already')]);
});

it('the CI example validates, and plans a change, for each host, and writes nothing', async () => {
  const ops = join(home, 'ops');
  const git = 'git -c user.name=a -c user.email=a@b';
  await sh(`${RECONCILE} init ops && cd ops && git init -q && git add -A && ${git} commit -qm one`);
  const check = (...args: string[]) => sh(`ci/check.sh ${args.join(' ')}`, ops);
  expect(await check()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Valid: 1 service/) });
  const file = join(ops, 'desired-state/services/hello.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('GREETING: hello', 'GREETING: moin'));
  mkdirSync(join(ops, 'desired-state/hosts'));
  for (const host of ['alpha', 'beta']) writeFileSync(join(ops, `desired-state/hosts/${host}.yaml`), '{}\n');
  await sh(`git add -A && ${git} commit -qm two`, ops);
  // Where there were no hosts at all before, each is one that it was for.
  const planned = await check('HEAD~1');
  expect(planned.code).toBe(0);
  expect(planned.stdout.match(/^== (alpha|beta)$/gm)).toHaveLength(2);
  expect(planned.stdout.match(/environment.GREETING: hello -> moin/g)).toHaveLength(2);
  expect((await check('0000000000000000000000000000000000000000')).stdout).toContain('nothing to compare with');
  writeFileSync(file, 'supervisor: builtin\ncomand: [x]\n');
  await sh(`git add -A && ${git} commit -qm three`, ops);
  const bad = await check('HEAD~1');
  expect(bad.code).toBe(1);
  expect(bad.stderr).toContain("did you mean 'command'?");
  expect((await sh('git status --porcelain', ops)).stdout).toBe('');
});
