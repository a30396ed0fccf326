import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandOf, listPids, statOf, variablesOf } from '../../src/host/procfs.ts';
import { createHost, type Host, until } from '../rig/host.ts';

let host: Host;
let feed: string;
let pid: number;
const path = (name: string) => join(host.desired, name);
const read = (name: string) => readFileSync(path(name), 'utf8');
const running = (...argv: readonly string[]) =>
  listPids().filter((one) => commandOf(one).join('\0') === argv.join('\0'));

/** What somebody has started by hand, and left running. */
beforeEach(async () => {
  host = await createHost();
  host.write('policy.yaml', { owner: host.owner, verify: { soak: '300ms' } });
  feed = join(host.folder, 'feed');
  copyFileSync('/bin/sleep', feed);
  const environment = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    FEED: 'live',
    API_TOKEN: "s3 cr'et",
    SSH_TTY: '/dev/pts/7',
  };
  spawn('sh', ['-c', `umask 027; cd '${host.folder}'; '${feed}' 987300 >>feed.log 2>&1 </dev/null &`], {
    stdio: 'ignore',
    env: environment,
  });
  await until(() => running(feed, '987300').some((one) => statOf(one)?.ppid === 1));
  pid = running(feed, '987300')[0] ?? 0;
});
afterEach(async () => {
  for (const one of running(feed, '987300')) process.kill(one, 'SIGKILL');
  await host[Symbol.asyncDispose]();
});

const imports = (...args: readonly string[]) =>
  host.reconcile(
    'import',
    '--pid',
    String(pid),
    '--env-dir',
    join(host.folder, 'env'),
    '--supervisor',
    'builtin',
    ...args,
  );

describe('a process that somebody started by hand', () => {
  it('becomes a service file, its secrets apart, and nothing is done to it', async () => {
    const dry = await imports('--dry-run');
    expect([dry.code, dry.stderr]).toEqual([2, '']);
    expect(dry.stdout).toContain('Would import 1 of 1, all without loss (100 %).');
    expect(dry.stdout).not.toContain("cr'et");
    expect([existsSync(path('services/feed.yaml')), existsSync(join(host.folder, 'env'))]).toEqual([false, false]);

    const { code, stdout, stderr } = await imports();
    expect([code, stderr]).toEqual([0, expect.stringContaining('Nothing of it is managed yet')]);
    expect(stdout).toContain('secrets were moved out of it');
    const text = read('services/feed.yaml');
    expect(text).toContain(`command: [${feed}, "987300"]`);
    expect(text).toContain(`directory: ${host.folder}\n`);
    expect(text).toContain('umask: "027"\n');
    expect(text).toContain('  FEED: live\n');
    expect(text).toContain(`logs: { stdout: ${host.folder}/feed.log, stderr: ${host.folder}/feed.log }\n`);
    expect(text).not.toContain('SSH_TTY');
    expect(text).not.toContain('API_TOKEN');
    const env = join(host.folder, 'env/feed.env');
    expect([statSync(env).mode & 0o777, statSync(join(host.folder, 'env')).mode & 0o777]).toEqual([0o600, 0o700]);

    const plan = await host.reconcile('--dry-run');
    expect(plan.code).toBe(0);
    expect(plan.stdout.replace(/\s+/g, ' ')).toContain(`its handover from \`${feed} 987300\``);
    expect((await host.reconcile()).code).toBe(3);
    expect((await host.reconcile('status')).code).toBe(0);
    expect(running(feed, '987300')).toEqual([pid]);
  });

  it('is imported once, and again only by force', async () => {
    await imports();
    const first = read('services/feed.yaml');
    writeFileSync(path('services/feed.yaml'), `${first}# mine\n`);
    const again = await imports();
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('Nothing new to import, 1 there already.')]);
    expect(read('services/feed.yaml')).toBe(`${first}# mine\n`);
    expect((await imports('--force')).code).toBe(0);
    expect(read('services/feed.yaml')).toBe(first);
    // A file of secrets that says something else is somebody's too.
    rmSync(path('services/feed.yaml'));
    writeFileSync(join(host.folder, 'env/feed.env'), 'API_TOKEN=mine\n');
    const refused = await imports('--json');
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.stdout)).toMatchObject({ services: [], refused: [{ code: 'already-there' }] });
    expect(readFileSync(join(host.folder, 'env/feed.env'), 'utf8')).toBe('API_TOKEN=mine\n');
    expect(existsSync(path('services/feed.yaml'))).toBe(false);
  });

  it('can not be adopted as it is, which is told, and is taken over once somebody says so', async () => {
    const adopted = await imports('--adopt');
    expect(adopted.code).toBe(0);
    expect(adopted.stdout).toContain('Left as they are:');
    expect(adopted.stdout.replace(/\s+/g, ' ')).toContain('needs a restart');
    expect(running(feed, '987300')).toEqual([pid]);
    writeFileSync(path('services/feed.yaml'), read('services/feed.yaml').replace('mode: observe\n', ''));
    const { code, stdout, stderr } = await host.reconcile();
    expect(code, `${stdout}${stderr}`).toBe(0);
    const [now = 0, ...more] = running(feed, '987300');
    expect([now !== pid, more]).toEqual([true, []]);
    const variable = variablesOf(now);
    expect([variable?.('FEED'), variable?.('API_TOKEN'), variable?.('SSH_TTY')]).toEqual([
      'live',
      "s3 cr'et",
      undefined,
    ]);
  });

  it('goes to the host that it runs on, where the desired state is of several', async () => {
    host.write('hosts/here.yaml', {});
    host.write('hosts/there.yaml', {});
    const { code, stdout, stderr } = await imports('--host', 'here');
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(read('hosts/here/services/feed.yaml')).toContain('$schema=../../../../schemas/service.schema.json\n');
    expect(existsSync(path('services/feed.yaml'))).toBe(false);
  });
});

describe('what can not be', () => {
  it('is told for each, and the rest goes on', async () => {
    const { code, stdout } = await imports('--pid', '1', '999999999', String(pid));
    expect(code).toBe(3);
    expect(stdout).toContain('cannot import process 1: it is the first process of all');
    expect(stdout).toContain('cannot import process 999999999: there is no such process');
    expect(stdout).toContain('Imported 1 of 3, all without loss (33.3 %), 2 refused.');
    expect(existsSync(path('services/feed.yaml'))).toBe(true);
  });

  it.each([
    [['--pid', 'x'], "cannot import process 'x': that is no pid"],
    [['--supervisor', 'upstart'], "there is no supervisor 'upstart'"],
    [['fede'], "did you mean 'feed'?"],
    [['--adopt', '--out', '/tmp/elsewhere'], 'cannot adopt by another directory'],
    [['--only', 'feed'], 'cannot use --only'],
  ])('as %j', async (args, text) => {
    const { code, stdout, stderr } = await imports(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(existsSync(path('services'))).toBe(true);
    expect(existsSync(path('services/feed.yaml'))).toBe(false);
  });

  it('nothing is written to a desired state that is invalid, or where nobody may', async () => {
    host.write('bad', { supervisor: 'buildin', command: ['x'] });
    const invalid = await imports();
    expect([invalid.code, invalid.stderr]).toEqual([1, expect.stringContaining("did you mean 'builtin'?")]);
    host.remove('bad');
    writeFileSync(join(host.folder, 'file'), '');
    const nowhere = await imports('--env-dir', join(host.folder, 'file/env'));
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('cannot read')]);
    expect(existsSync(path('services/feed.yaml'))).toBe(false);
    mkdirSync(path('services/feed.yaml'));
    const folder = await imports();
    expect(folder.code).not.toBe(0);
    expect(folder.stderr).not.toMatch(/^ {4}at /m);
  });
});
