import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { plainSettings, readConfig, unknownVariables } from '../../src/config.ts';
import { readToolConfig } from '../../src/config-file.ts';
import { Failure } from '../../src/problem.ts';

let folder: string;
let before: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-config-')));
  before = process.cwd();
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function problems(flags: Parameters<typeof readConfig>[0] = {}): Promise<readonly string[]> {
  try {
    await readConfig(flags);
  } catch (error) {
    if (error instanceof Failure)
      return error.problems.map(({ summary, hint }) => `${summary.replaceAll(folder, '.')} | ${hint ?? ''}`);
    throw error;
  }
  return [];
}

test('a flag wins over a variable, a variable over the file, the file over the default', async () => {
  expect((await readConfig({})).host).not.toBe('');
  writeFileSync('reconcile.config.yaml', 'host: from-file\ndesiredState: here\n');
  expect(await readConfig({})).toMatchObject({ host: 'from-file', desiredState: join(folder, 'here') });
  vi.stubEnv('RECONCILE_HOST', 'from-variable');
  expect((await readConfig({})).host).toBe('from-variable');
  expect((await readConfig({ host: 'from-flag' })).host).toBe('from-flag');
});

test('paths in the file are relative to the file, paths in flags to the current folder', async () => {
  mkdirSync('etc');
  writeFileSync('etc/reconcile.config.json', '{"desiredState": "../d"}');
  expect((await readConfig({ config: 'etc/reconcile.config.json' })).desiredState).toBe(join(folder, 'd'));
  expect((await readConfig({ config: 'etc/reconcile.config.json', desiredState: 'd2' })).desiredState).toBe(
    join(folder, 'd2'),
  );
});

test('a directory has its real path, but where it is a link it keeps the name of that', async () => {
  mkdirSync('a/b', { recursive: true });
  symlinkSync('a', 'way');
  symlinkSync('a/b', 'now');
  const named = async (desiredState: string) => (await readConfig({ desiredState })).desiredState;
  expect(await named('way/b')).toBe(join(folder, 'a/b'));
  expect(await named('now')).toBe(join(folder, 'now'));
});

test('a repository elsewhere has one place here, whatever commit it is at, and excludes a directory', async () => {
  writeFileSync('reconcile.config.yaml', 'stateDir: s\ngit: { url: "git@h:team/ops.git", path: x/../.. }\n');
  expect(await problems()).toEqual(["cannot use git.path: 'x/../..' leads out of the repository | "]);
  writeFileSync('reconcile.config.yaml', 'stateDir: s\ngit: { url: "git@h:team/ops.git", path: ./x/, poll: 0s }\n');
  expect(await problems()).toEqual([
    "cannot use git.poll: '0s' is no duration of at least 1s | write it as in `git.poll: 60s`",
  ]);
  writeFileSync('reconcile.config.yaml', 'stateDir: s\ngit: { url: "git@h:team/ops.git", path: ./x/, sshKey: k }\n');
  const config = await readConfig({});
  expect(config.git).toEqual({ url: 'git@h:team/ops.git', path: 'x', poll: 60_000, sshKey: join(folder, 'k') });
  expect(config.desiredState).toMatch(/\/s\/git\/ops-[0-9a-f]{10}\/tree$/);
  expect(await problems({ desiredState: 'd' })).toEqual([
    'cannot take the desired state from `git` and from ./d at once | keep one: `git` in the configuration, or desiredState (--desired-state, RECONCILE_DESIRED_STATE)',
  ]);
});

test('what is wrong inside of a map is told with the keys of that', async () => {
  writeFileSync('reconcile.config.yaml', 'git: { ulr: /x, zzz: 1 }\ntrust: yes\n');
  expect((await problems()).toSorted()).toEqual([
    "./reconcile.config.yaml: 'git.url' must be a text that is not empty | ",
    "./reconcile.config.yaml: 'trust' must be a map | known are signedBy",
    "./reconcile.config.yaml: unknown key 'git.ulr' | did you mean 'url'?",
    "./reconcile.config.yaml: unknown key 'git.zzz' | known are url, ref, path, poll, sshKey, knownHosts, tokenFile, credentialHelper",
  ]);
});

test('with a runtime folder of its own everything of ours is below it', async () => {
  expect(await readConfig({ runtimeDir: 'run' })).toMatchObject({
    runtimeDir: join(folder, 'run'),
    stateDir: join(folder, 'run/state'),
    logDir: join(folder, 'run/logs'),
  });
});

test('every problem of a configuration file is told, with what was probably meant', async () => {
  writeFileSync('reconcile.config.yaml', 'runtimDir: /x\nhost: 7\nzzz: 1\n');
  expect((await problems()).toSorted()).toEqual([
    "./reconcile.config.yaml: 'host' must be a text that is not empty | ",
    "./reconcile.config.yaml: unknown key 'runtimDir' | did you mean 'runtimeDir'?",
    "./reconcile.config.yaml: unknown key 'zzz' | known are desiredState, runtimeDir, stateDir, logDir, host, git, trust, readGroup, watch",
  ]);
});

test('a configuration that is a program is refused, not run', async () => {
  writeFileSync('reconcile.config.js', 'throw new Error("it ran")');
  expect(await problems()).toEqual([
    'cannot use reconcile.config.js: a configuration that is a program would run with your rights | write it as reconcile.config.yaml',
  ]);
});

test('a missing or broken file that was named is an error without a stack', async () => {
  expect(await problems({ config: 'none.yaml' })).toEqual(['cannot read ./none.yaml: no such file or directory | ']);
  writeFileSync('bad.yaml', 'a: [1\n');
  const [text = ''] = await problems({ config: 'bad.yaml' });
  expect(text).toMatch(/^cannot read \.\/bad\.yaml: /);
  expect(text).not.toMatch(/\n\s+at /);
});

test('a variable that looks like ours and is none is told', () => {
  const environment = { RECONCILE_RUNTIME: '/x', RECONCILE_HOST: 'h', PATH: '/bin', RECONCILED_HOST: 'h' };
  // What a service has in its environment begins so too.
  expect(unknownVariables({ ...environment, RECONCILED_INSTANCE: '1' })).toEqual([
    {
      code: 'unknown-variable',
      summary: 'environment variable RECONCILE_RUNTIME is not one of ours and has no effect',
      hint: 'did you mean RECONCILE_RUNTIME_DIR?',
    },
    {
      code: 'unknown-variable',
      summary: 'environment variable RECONCILED_HOST is not one of ours and has no effect',
      hint: 'did you mean RECONCILE_HOST?',
    },
  ]);
});

test('what is read without the library is what the library reads', async () => {
  expect(plainSettings('# ours\nruntimeDir: .reconciled\n\nhost: web-1.example\n')).toEqual({
    runtimeDir: '.reconciled',
    host: 'web-1.example',
  });
  for (const other of [
    'host: 7',
    'host: no',
    'host: .5',
    'host: "a"',
    'host: a # b',
    'host:  a',
    'a: b',
    'host',
    '---',
  ])
    expect([other, plainSettings(`${other}\n`)]).toEqual([other, undefined]);
  expect(plainSettings('host: a\nhost: b\n')).toBeUndefined();
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'aenNotTrufls.iIy01/-_~#:" \t\'[]{}!&*%@|>?,\\\r'), maxLength: 6 }),
    fc.constantFrom('null', 'Null', 'TRUE', '.inf', '.NaN', '.1', '1e3', '0x1f', '~', '2026-01-01', '<<', '=', '.'),
  );
  const lines = fc.array(fc.tuple(fc.constantFrom('host', 'stateDir', 'logDir'), value), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(lines, async (pairs) => {
      const text = pairs.map(([key, value]) => `${key}: ${value}\n`).join('');
      const plain = plainSettings(text);
      if (plain === undefined) return;
      writeFileSync('plain.yaml', text);
      expect(await readToolConfig(join(folder, 'plain.yaml'))).toEqual(plain);
    }),
    { numRuns: 500 },
  );
});
