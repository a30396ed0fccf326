import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createHost, type Host } from '../rig/host.ts';

let host: Host;
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

interface Variable {
  readonly name: string;
  readonly from: object;
  readonly declared: string | null;
  readonly running: string | null;
  readonly state: string;
}

interface Answer {
  readonly services: readonly {
    readonly service: string;
    readonly pid: number | null;
    readonly files: readonly object[];
    readonly variables: readonly Variable[];
  }[];
}

it('env shows what a real process has, of each instance, and what waits for its next start', async () => {
  host = await createHost();
  const secrets = join(host.folder, 'secrets.env');
  writeFileSync(secrets, 'DB_URL=hunter2\n', { mode: 0o600 });
  const web = (mode: string, more: object = {}) => ({
    ...{ supervisor: 'builtin', command: ['sleep', '600'], start: { ready: '0s' }, changes: 'staged', instances: 2 },
    ...{ environment: { MODE: mode, API_TOKEN: 'hunter3' }, ...more },
  });
  host.write('web', web('fast'));
  host.write('db', { ...web('fast', { environmentFiles: [secrets] }), instances: undefined });
  host.write('off', { supervisor: 'builtin', command: ['sleep', '600'], state: 'stopped', environment: { A: '1' } });
  const applied = await host.reconcile();
  expect(applied.code, applied.stdout + applied.stderr).toBe(0);
  const env = async (...names: readonly string[]) => {
    const { code, stdout, stderr } = await host.reconcile('env', '--json', ...names);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('hunter');
    return (JSON.parse(stdout) as Answer).services;
  };
  const pids = await host.pids();
  const both = await env('web');
  expect(both.map(({ service, pid }) => [service, pid])).toEqual([
    ['web@1', pids['web@1']],
    ['web@2', pids['web@2']],
  ]);
  const of = (answer: Answer['services'], name: string) => answer[0]?.variables.find((one) => one.name === name);
  const file = 'services/web.yaml';
  expect(of(both, 'MODE')).toMatchObject({ from: { kind: 'environment', file }, running: 'fast', state: 'same' });
  expect(of(both, 'API_TOKEN')).toMatchObject({ running: '***', state: 'same' });
  expect(of(both, 'PATH')).toMatchObject({ from: { kind: 'base' }, state: 'same' });
  expect(of(both, 'RECONCILED_INSTANCE')).toMatchObject({ from: { kind: 'mark' }, running: '1' });
  // All that it has is known.
  expect(both[0]?.variables.filter(({ state }) => state === 'extra')).toEqual([]);

  host.write('web', web('slow'));
  writeFileSync(secrets, 'DB_URL=hunter4\n');
  await host.reconcile();
  expect(await host.pids()).toEqual(pids);
  expect(of(await env('web@2'), 'MODE')).toMatchObject({ running: 'fast', declared: 'slow', state: 'differs' });
  expect(of(await env('db'), 'DB_URL')).toMatchObject({
    ...{ from: { kind: 'file', path: secrets }, running: '***', declared: '***', state: 'differs' },
  });
  const text = (await host.reconcile('env', 'web@1')).stdout;
  expect(text).toMatch(/^web@1 {2}pid \d+\nname +value +from\n/);
  expect(text).toContain('\n    from its next start on: slow\n');
  expect((await env('off'))[0]).toMatchObject({ pid: null });
  expect(await host.reconcile('env', 'wbe')).toMatchObject({ code: 1, stdout: '' });
  // With a daemon it is the same.
  const daemon = await host.daemon();
  await daemon.saw('"event":"ready"');
  expect(await env('web')).toMatchObject([{ pid: pids['web@1'] }, { pid: pids['web@2'] }]);
});

it('config says what is in effect, and the flag, variable, line or default that says so', async () => {
  const settings = (folder: string) => ({
    desiredState: 'desired-state',
    watch: { poll: '5s' },
    runtimeDir: `${folder}/other`,
  });
  host = await createHost({ settings: ({ folder }) => settings(folder) });
  const file = join(host.folder, 'reconcile.config.yaml');
  writeFileSync(file, `# ours\ndesiredState: desired-state\nwatch: { poll: 5s }\nruntimeDir: ${host.folder}/other\n`);
  const { stdout, code } = await host.reconcile('config', '--json', '--host', 'another');
  expect(code).toBe(0);
  const told = JSON.parse(stdout) as Record<'settings' | 'policy', Record<string, unknown>>;
  expect(told.settings).toEqual({
    config: { value: file, from: { kind: 'default', why: 'found in the current folder' } },
    desiredState: { value: host.desired, from: { kind: 'file', file, line: 2, column: 1 } },
    // The variable goes before the file.
    runtimeDir: { value: host.runtime, from: { kind: 'variable', name: 'RECONCILE_RUNTIME_DIR' } },
    stateDir: { value: join(host.runtime, 'state'), from: { kind: 'default', why: 'below runtimeDir' } },
    logDir: { value: join(host.runtime, 'logs'), from: { kind: 'default', why: 'below runtimeDir' } },
    host: { value: 'another', from: { kind: 'flag', name: '--host' } },
    git: { value: null, from: { kind: 'default', why: 'a directory of this host' } },
    'trust.signedBy': { value: null, from: { kind: 'default', why: 'any commit is taken' } },
    readGroup: { value: null, from: { kind: 'default', why: 'nobody else may ask' } },
    'watch.poll': { value: '5s', from: { kind: 'file', file, line: 3, column: 10 } },
  });
  expect(told.policy.owner).toEqual({
    value: host.owner,
    from: { kind: 'file', file: 'policy.yaml', line: 1, column: 8 },
  });
  expect(told.policy['holds.for']).toEqual({ value: '1h', from: { kind: 'default' } });
  writeFileSync(file, 'git: { url: "https://u:hunter2@git.example.org/fleet.git", ref: main }\n');
  const withGit = await host.reconcile('config');
  expect(withGit.stdout).toMatch(
    /^git\.url +https:\/\/u:\*\*\*@git\.example\.org\/fleet\.git\s+reconcile\.config\.yaml:1:8$/m,
  );
  expect(withGit.stdout).toMatch(/^git\.poll +1m +default$/m);
  expect(withGit.stdout + withGit.stderr).not.toContain('hunter2');
});

it('config NAME says each field after layers and defaults, with its place', async () => {
  host = await createHost();
  host.write('policy.yaml', `owner: ${host.owner}\ndrift: heal\nverify: { soak: 3s }\n`);
  mkdirSync(join(host.desired, 'hosts', 'trading-1', 'services'), { recursive: true });
  mkdirSync(join(host.desired, 'labels', 'live', 'services'), { recursive: true });
  host.write('hosts/trading-1.yaml', 'labels: [live]\n');
  host.write(
    'web',
    'supervisor: builtin\ncommand: [sleep, "600"]\nenvironment:\n  TZ: UTC\n  MODE: slow\n  API_TOKEN: hunter2\n',
  );
  host.write('labels/live/services/web.yaml', 'environment:\n  MODE: live\nstart: { ready: 5s }\n');
  host.write('hosts/trading-1/services/web.yaml', 'start:\n  ready: 7s\n');
  const { stdout, code } = await host.reconcile('config', 'web', '--json', '--host', 'trading-1');
  expect(code).toBe(0);
  expect(stdout).not.toContain('hunter2');
  const [web] = (JSON.parse(stdout) as { services: { service: string; fields: Record<string, unknown> }[] }).services;
  const from = (file: string, line: number, column: number) => ({ kind: 'file', file, line, column });
  expect(web?.fields).toMatchObject({
    supervisor: { value: 'builtin', from: from('services/web.yaml', 1, 13) },
    'environment.TZ': { value: 'UTC', from: from('services/web.yaml', 4, 7) },
    'environment.MODE': { value: 'live', from: from('labels/live/services/web.yaml', 2, 9) },
    'environment.API_TOKEN': { value: '***', from: { kind: 'file', file: 'services/web.yaml', line: 6 } },
    'start.ready': { value: '7s', from: from('hosts/trading-1/services/web.yaml', 2, 10) },
    'start.retries': { value: '3', from: { kind: 'default' } },
    autostart: { value: true, from: { kind: 'default' } },
    drift: { value: 'heal', from: from('policy.yaml', 2, 8) },
    soak: { value: '3s', from: from('policy.yaml', 3, 17) },
  });
  expect(await host.reconcile('config', 'wbe', '--host', 'trading-1')).toMatchObject({
    code: 1,
    stderr: "cannot show the fields of 'wbe': there is no such service\n  did you mean 'web'?\n",
  });
  // Its own settings are told though the desired state is broken.
  host.write('policy.yaml', 'owner: [\n');
  const broken = await host.reconcile('config', '--host', 'trading-1');
  expect([broken.code, existsSync(host.runtime)]).toEqual([0, expect.any(Boolean)]);
  expect(broken.stdout).toMatch(/^host +trading-1 +--host$/m);
});
