import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHost, type Host } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const sleeper = (extra: object = {}) => ({
  supervisor: 'builtin',
  command: ['sleep', '600'],
  start: { ready: '0s' },
  ...extra,
});

describe('a dry run, an apply, a dry run', () => {
  test('show changes, make them, and show none: exit codes 2, 0, 0', async () => {
    host.write('web', sleeper());
    host.write('worker', sleeper({ start: { ready: '0s', after: ['web'] } }));
    const before = await host.reconcile('--dry-run');
    expect(before.code).toBe(2);
    expect(before.stdout).toContain('2 to create');
    expect(host.processes()).toEqual([]);
    const applied = await host.reconcile();
    expect(applied).toMatchObject({ code: 0 });
    expect(applied.stderr).toContain('Unsupervised until `reconcile daemon` runs');
    const after = await host.reconcile('--dry-run');
    expect(after.code).toBe(0);
    expect(after.stdout).toContain('No changes');
    expect((await host.reconcile()).code).toBe(0);
  });

  test('the plan as JSON is what was shown, and applying it as JSON tells each outcome', async () => {
    host.write('web', sleeper());
    const plan = JSON.parse((await host.reconcile('--dry-run', '--json')).stdout);
    expect(plan.steps).toMatchObject([
      { id: 'create:web', service: 'web', action: 'create', effect: 'start', after: [] },
    ]);
    const report = JSON.parse((await host.reconcile('--json')).stdout);
    expect(report).toMatchObject({ done: 1, failed: 0, skipped: 0, steps: [{ id: 'create:web', outcome: 'done' }] });
    expect(await host.pids()).toEqual({ web: report.steps[0].pid });
  });
});

describe('an unchanged service keeps its pid', () => {
  test('when one of 200 changes, the other 199 are the same processes', { timeout: 300_000 }, async () => {
    for (let i = 0; i < 200; i += 1) host.write(`s${i}`, sleeper());
    expect((await host.reconcile()).code).toBe(0);
    const before = await host.pids();
    expect(Object.keys(before)).toHaveLength(200);
    host.write('s77', sleeper({ environment: { CHANGED: 'yes' } }));
    expect((await host.reconcile('--dry-run')).stdout).toContain('1 to restart');
    expect((await host.reconcile()).code).toBe(0);
    const after = await host.pids();
    const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
    expect(changed).toEqual(['s77']);
    expect(host.processes().filter(({ command }) => command === 'sleep 600')).toHaveLength(200);
  });

  test('when only its description or its health changes', async () => {
    host.write('web', sleeper());
    await host.reconcile();
    const before = await host.pids();
    host.write('web', sleeper({ description: 'another word' }));
    expect((await host.reconcile('--dry-run')).code).toBe(0);
    host.write('web', sleeper({ health: [{ name: 'x', exec: { command: ['true'] } }] }));
    const plan = await host.reconcile('--dry-run');
    expect(plan.code).toBe(2);
    expect(plan.stdout).toMatch(/unchanged/);
    expect((await host.reconcile()).code).toBe(0);
    expect(await host.pids()).toEqual(before);
    expect((await host.reconcile('--dry-run')).code).toBe(0);
  });
});

describe('every desired state', () => {
  test('stopped, disabled and absent stop it; running starts it again', async () => {
    for (const state of ['stopped', 'disabled', 'absent']) {
      host.write('web', sleeper({ state: 'running' }));
      expect((await host.reconcile()).code).toBe(0);
      expect(host.processes()).not.toEqual([]);
      host.write('web', sleeper({ state }));
      expect((await host.reconcile()).code).toBe(0);
      expect(host.processes()).toEqual([]);
      expect((await host.reconcile('--dry-run')).code).toBe(0);
    }
  });

  test('running with autostart: false waits for a person, then is kept', async () => {
    host.write('engine', sleeper({ autostart: false }));
    expect((await host.reconcile()).code).toBe(0);
    expect(host.processes()).toEqual([]);
    const [waiting] = await host.status();
    expect(waiting).toMatchObject({ state: 'STOPPED', note: expect.stringContaining('waiting for a first start') });
    expect((await host.reconcile('--dry-run')).code).toBe(0);
    expect((await host.reconcile('start', 'engine')).code).toBe(0);
    expect((await host.status())[0]).toMatchObject({ state: 'RUNNING' });
    expect((await host.reconcile('--dry-run')).code).toBe(0);
  });

  test('a file that is gone stops nothing: prune is off', async () => {
    host.write('web', sleeper());
    host.write('old', sleeper());
    await host.reconcile();
    const before = await host.pids();
    host.remove('old');
    const plan = await host.reconcile('--dry-run');
    expect(plan).toMatchObject({ code: 0 });
    expect(plan.stdout).toContain('old');
    expect((await host.reconcile()).code).toBe(0);
    expect(await host.pids()).toEqual(before);
  });

  test('a renamed service is moved, never doubled', async () => {
    host.write('before', sleeper());
    await host.reconcile();
    host.remove('before');
    host.write('after', sleeper());
    const held = await host.reconcile();
    expect(held.code).toBe(3);
    expect(held.stdout).toContain('formerly');
    host.write('after', sleeper({ formerly: ['before'] }));
    expect((await host.reconcile()).code).toBe(0);
    expect(Object.keys(await host.pids())).toEqual(['after']);
    expect(host.processes().filter(({ command }) => command === 'sleep 600')).toHaveLength(1);
  });

  test('instances are added and the highest removed', async () => {
    host.write('w', sleeper({ instances: 3 }));
    await host.reconcile();
    const before = await host.pids();
    expect(Object.keys(before).toSorted()).toEqual(['w@1', 'w@2', 'w@3']);
    host.write('w', sleeper({ instances: 2 }));
    expect((await host.reconcile()).code).toBe(0);
    expect(await host.pids()).toEqual({ 'w@1': before['w@1'], 'w@2': before['w@2'] });
  });
});

describe('what is wrong changes nothing', () => {
  test('one invalid file means no plan at all', async () => {
    host.write('web', sleeper());
    await host.reconcile();
    const before = await host.pids();
    host.write('web', sleeper({ state: 'stopped' }));
    host.write('other', 'supervisor: builtin\ncomand: [x]\n');
    const result = await host.reconcile();
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("services/other.yaml:2:1: unknown key 'comand'");
    expect(await host.pids()).toEqual(before);
  });

  test('a command that is not there is held before anything is stopped for it', async () => {
    host.write('web', sleeper());
    await host.reconcile();
    const before = await host.pids();
    host.write('web', { ...sleeper(), command: ['/nowhere/at/all'] });
    const plan = await host.reconcile('--dry-run');
    expect(plan.stdout).toContain('/nowhere/at/all');
    const result = await host.reconcile();
    expect(result.code).toBe(3);
    expect(await host.pids()).toEqual(before);
  });

  test('a service that exits at once fails with its last words, and what comes after it is skipped', async () => {
    host.write('bad', {
      supervisor: 'builtin',
      command: ['sh', '-c', 'echo the reason >&2; exit 7'],
      start: { ready: '1s', retries: 0 },
    });
    host.write('next', sleeper({ start: { ready: '0s', after: ['bad'] } }));
    host.write('other', sleeper());
    const result = await host.reconcile();
    expect(result.code).toBe(3);
    expect(result.stdout).toContain('exit code 7');
    expect(result.stdout).toContain('the reason');
    expect(Object.keys(await host.pids())).toEqual(['other']);
    const again = await host.reconcile();
    expect(again.code).toBe(3);
    expect((await host.status()).find(({ name }) => name === 'bad')).toMatchObject({ state: 'FATAL' });
  });

  test('no stack trace for a directory that is not there', async () => {
    const result = await host.reconcile('--desired-state', '/nowhere');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('/nowhere');
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  test('a second desired state under the same owner is refused', async () => {
    host.write('web', sleeper());
    await host.reconcile();
    const second = await createHost();
    try {
      second.write('web', sleeper({ state: 'stopped' }));
      writeFileSync(join(second.desired, 'policy.yaml'), readFileSync(join(host.desired, 'policy.yaml')));
      const result = await host.reconcile('--desired-state', second.desired);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain(`belongs to ${host.desired}`);
      expect(Object.keys(await host.pids())).toEqual(['web']);
    } finally {
      await second[Symbol.asyncDispose]();
    }
  });
});

describe('a saved plan', () => {
  test('is applied as it was looked at, and refused once anything has changed', async () => {
    const file = join(host.folder, 'plan.json');
    host.write('web', sleeper());
    expect((await host.reconcile('plan', '--out', file)).code).toBe(2);
    host.write('other', sleeper());
    const stale = await host.reconcile('apply', file);
    expect(stale.code).toBe(1);
    expect(stale.stderr).toContain('has changed since');
    expect(host.processes()).toEqual([]);
    host.remove('other');
    expect((await host.reconcile('apply', file)).code).toBe(0);
    expect((await host.reconcile('apply', file)).code).toBe(1);
  });

  test('of some services is of those alone', async () => {
    host.write('a', sleeper());
    host.write('b', sleeper());
    expect((await host.reconcile('--only', 'a')).code).toBe(0);
    expect(Object.keys(await host.pids())).toEqual(['a']);
    const result = await host.reconcile('--only', 'aa');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("did you mean 'a'?");
  });
});

test('a word or a flag that would have no effect is refused', async () => {
  host.write('web', sleeper());
  for (const [args, words] of [
    [['status', '--dry-run'], 'cannot use --dry-run with `reconcile status`: it means nothing there'],
    [['daemon', '--dry-run'], 'cannot use --dry-run with `reconcile daemon`: it means nothing there'],
    [['validate', '--only', 'web'], 'cannot use --only with `reconcile validate`: it means nothing there'],
    [['aply'], "there is no command 'aply'\n  did you mean `reconcile apply`?"],
    [['validate', 'web'], "error: too many arguments for 'validate'. Expected 0 arguments but got 1: web."],
    [['status', '--jsn'], "error: unknown option '--jsn'\n(Did you mean --json?)"],
  ] as const) {
    const { code, stdout, stderr } = await host.reconcile(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(words);
  }
  expect(host.processes()).toEqual([]);
});

test('a secret never shows: not in a plan, a status, an error or the saved plan', async () => {
  const secret = 'hunter2-is-my-secret';
  const file = join(host.folder, 'plan.json');
  writeFileSync(join(host.folder, 'secrets.env'), `API_TOKEN=${secret}\n`, { mode: 0o600 });
  const shown: string[] = [];
  const say = async (...args: string[]) => {
    const { stdout, stderr } = await host.reconcile(...args);
    shown.push(stdout, stderr);
  };
  const web = (password: string) =>
    sleeper({
      environment: { DB_PASSWORD: password, URL: `https://u:${secret}@h/?token=${secret}` },
      environmentFiles: [join(host.folder, 'secrets.env')],
    });
  host.write('web', web('first'));
  await say('plan', '--out', file);
  await say();
  host.write('web', web(secret));
  await say('plan', '--out', file);
  await say('--dry-run', '--json');
  await say('--json');
  await say('status', '--json');
  host.write('web', { ...web(secret), nonsense: 1 });
  await say('validate');
  await say('validate', '--json');
  shown.push(readFileSync(file, 'utf8'));
  expect(shown.join('\n')).not.toContain(secret);
  const [main] = host.processes().filter(({ command }) => command === 'sleep 600');
  expect(readFileSync(`/proc/${main?.pid}/environ`, 'utf8')).toContain(`API_TOKEN=${secret}`);
});

test('where the decisions can not be written, nothing is done and that is said', async () => {
  host.write('web', sleeper());
  expect((await host.reconcile()).code).toBe(0);
  const before = await host.pids();
  // A folder in the place of the file: not even root can write it.
  const file = join(host.runtime, 'state/decisions/last-good.json');
  rmSync(file);
  mkdirSync(join(file, 'in the way'), { recursive: true });
  host.write('web', sleeper({ environment: { A: '1' } }));
  const { code, stderr } = await host.reconcile();
  expect(code).toBe(1);
  expect(stderr).toContain(`the decisions in ${file} can't be read: it is a directory`);
  expect(await host.pids()).toEqual(before);
});

test('a service that ends before its probes pass is said to have ended, not to run', async () => {
  const probe = { name: 'never', exec: { command: ['false'] }, every: '100ms' };
  host.write('web', sleeper({ command: ['sleep', '0.4'], health: [probe], restart: { policy: 'never' } }));
  const { code, stdout } = await host.reconcile();
  expect(code).toBe(3);
  expect(stdout).toContain('cannot start web: it ended before its health probes passed');
});
