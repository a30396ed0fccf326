import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadYaml } from '../../../src/desired/yaml.ts';
import { folder, problems, put, SLEEP, valid } from './folder.ts';

describe('a desired state', () => {
  test('is read from YAML and JSON alike', async () => {
    const { services } = await valid(
      folder({
        'services/a.yaml': SLEEP,
        'services/b.yml': SLEEP,
        'services/c.json': '{\n\t"supervisor": "builtin",\n\t"command": ["/bin/sleep", "60"]\n}\n',
      }),
    );
    expect(services.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(services[2]?.written).toEqual(services[0]?.written);
  });

  test('has the defaults that everybody needs', async () => {
    const { services, policy } = await valid(folder({ 'services/web.yaml': SLEEP }));
    expect(services).toEqual([
      {
        id: 'web',
        name: 'web',
        supervisor: 'builtin',
        state: 'running',
        autostart: true,
        after: [],
        formerly: [],
        changes: 'now',
        written: { supervisor: 'builtin', command: ['/bin/sleep', '60'] },
        inputs: {},
        file: 'services/web.yaml',
      },
    ]);
    expect(policy).toEqual({ owner: 'default', prune: { kind: 'off' }, written: {} });
  });

  test('needs no command where raw lines of a unit say what runs', async () => {
    const raw = (line: string) => `supervisor: systemd\nraw: { systemd: [${line}] }\n`;
    const { services } = await valid(folder({ 'services/a.yaml': raw("[Service, ExecStart, '/bin/a $B']") }));
    expect(services[0]?.written).not.toHaveProperty('command');
    for (const line of ["[Service, ExecStart, '']", '[Service, Nice, 1]']) {
      expect(await problems(folder({ 'services/a.yaml': raw(line) }))).toMatchObject([{ code: 'missing-key' }]);
    }
    const others = raw('[Service, ExecStart, /bin/a]').replace('systemd\n', 'builtin\n');
    expect(await problems(folder({ 'services/a.yaml': others }))).not.toEqual([]);
  });

  test('takes owner and prune from the policy', async () => {
    const files = { 'services/web.yaml': SLEEP, 'policy.yaml': 'owner: blue\nprune: { max: 3 }\n' };
    const { policy } = await valid(folder(files));
    expect(policy).toMatchObject({ owner: 'blue', prune: { kind: 'on', max: 3 } });
  });

  test('starts only running services at boot, unless they say otherwise', async () => {
    const { services } = await valid(
      folder({
        'services/a.yaml': `${SLEEP}state: stopped\n`,
        'services/b.yaml': `${SLEEP}autostart: false\n`,
        'services/c.yaml': `${SLEEP}state: manual\nautostart: true\n`,
        'services/d.yaml': 'supervisor: builtin\nstate: absent\n',
      }),
    );
    expect(services.map(({ autostart }) => autostart)).toEqual([false, false, true, false]);
  });

  test('has a service for each instance, sorted by id', async () => {
    const { services } = await valid(
      folder({ 'services/web.yaml': `${SLEEP}instances: 3\n`, 'services/a.yaml': SLEEP }),
    );
    expect(services.map(({ id, name, instance }) => [id, name, instance])).toEqual([
      ['a', 'a', undefined],
      ['web@1', 'web', 1],
      ['web@2', 'web', 2],
      ['web@3', 'web', 3],
    ]);
  });

  test('resolves relative directories against its real path and leaves absolute ones alone', async () => {
    const root = folder({
      'services/a.yaml': `${SLEEP}directory: ./programs\n`,
      'services/b.yaml': `${SLEEP}directory: ../x\n`,
      'services/c.yaml': `${SLEEP}directory: /opt/../x/\n`,
      'programs/readme.txt': 'x\n',
    });
    const { services } = await valid(root);
    const real = realpathSync(root);
    expect(services.map(({ written }) => written.directory)).toEqual([
      join(real, 'programs'),
      join(real, '../x'),
      '/opt/../x/',
    ]);
  });

  test('passes over hidden files, notes and what editors leave behind', async () => {
    const junk = ['.hidden.yaml', 'README', 'notes.md', 'web.yaml~', '.web.yaml.swp', '#web.yaml#', '4913'];
    const files = Object.fromEntries(
      junk.flatMap((name) => [
        [name, 'x'],
        [`services/${name}`, 'x'],
      ]),
    );
    const { services } = await valid(folder({ ...files, '.git/HEAD': 'x', 'services/web.yaml': SLEEP }));
    expect(services).toHaveLength(1);
  });

  test('has a revision that changes with any byte and any name, and with nothing else', async () => {
    const files = { 'services/web.yaml': SLEEP, 'policy.yaml': 'owner: x\n' };
    const revision = async (more: Record<string, string>) =>
      (await valid(folder({ ...files, ...more }))).revision.content;
    const first = await revision({});
    expect(await revision({})).toBe(first);
    expect(await revision({ 'services/.hidden': 'x' })).toBe(first);
    expect(await revision({ 'services/web.yaml': `${SLEEP}# x\n` })).not.toBe(first);
    expect(await revision({ 'services/wex.yaml': SLEEP })).not.toBe(first);
    expect(await revision({ 'policy.yaml': 'owner: y\n' })).not.toBe(first);
  });

  test('takes a chain of thousands of services that wait for each other', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `s${i}`);
    const files = names.map((name, i) => [
      `services/${name}.json`,
      JSON.stringify({ supervisor: 'builtin', command: ['/bin/true'], start: { after: names.slice(i + 1, i + 2) } }),
    ]);
    expect((await valid(folder(Object.fromEntries(files)))).services).toHaveLength(3000);
  });
});

describe('layers', () => {
  const base = { 'hosts/dolphin.yaml': 'labels: [prod, eu]\n', 'labels/unused/services/web.yaml': 'not: [read\n' };

  test('are merged base, labels in the order of the host, host; maps merge, lists replace, null deletes', async () => {
    const { services } = await valid(
      folder({
        ...base,
        'services/web.yaml': `${SLEEP}user: a\nstart: { after: [x, y], ready: 5s }\nenvironment: { A: a, B: b, C: c }\n`,
        'services/x.yaml': SLEEP,
        'services/y.yaml': SLEEP,
        'labels/prod/services/web.yaml': 'environment: { A: prod, D: prod }\n',
        'labels/eu/services/web.yaml': 'environment: { TZ: CET }\nstart: { after: [y] }\n',
        'hosts/dolphin/services/web.yaml': 'user: null\nenvironment: { B: null, D: host }\n',
      }),
    );
    expect(services[0]?.written).toEqual({
      supervisor: 'builtin',
      command: ['/bin/sleep', '60'],
      start: { after: ['y'], ready: '5s' },
      environment: { A: 'prod', C: 'c', D: 'host', TZ: 'CET' },
    });
  });

  test('may hold a service of their own', async () => {
    const { services } = await valid(
      folder({
        ...base,
        'labels/prod/services/a.yaml': SLEEP,
        'hosts/dolphin/services/b.yaml': SLEEP,
        'labels/eu/.keep': '',
      }),
    );
    expect(services.map(({ file }) => file)).toEqual(['labels/prod/services/a.yaml', 'hosts/dolphin/services/b.yaml']);
  });

  test('of labels that no host has are left alone where there are no hosts', async () => {
    const { services } = await valid(
      folder({ 'services/web.yaml': SLEEP, 'labels/prod/services/web.yaml': 'user: x\n' }),
    );
    expect(services[0]?.written.user).toBeUndefined();
  });

  test('are located value by value', async () => {
    const root = folder({
      ...base,
      'services/web.yaml': `${SLEEP}environment: { A: a, B: b }\n`,
      'labels/prod/services/web.yaml': 'environment:\n  A: prod\n',
      'labels/eu/services/a.yaml': SLEEP,
    });
    const desired = await valid(root);
    await loadYaml();
    expect(desired.locate('web', ['environment', 'A'])).toEqual({
      file: 'labels/prod/services/web.yaml',
      line: 2,
      column: 6,
      length: 4,
      excerpt: '  A: prod',
    });
    expect(desired.locate('web', ['environment', 'B'])).toMatchObject({
      file: 'services/web.yaml',
      line: 3,
      column: 25,
    });
    expect(desired.locate('web', ['command', 1])).toMatchObject({
      file: 'services/web.yaml',
      line: 2,
      column: 23,
      length: 4,
    });
    expect(desired.locate('web', ['stop', 'timeout'])).toMatchObject({ file: 'services/web.yaml', line: 1 });
    expect(desired.locate('nobody', [])).toBeUndefined();
  });
});

describe('problems', () => {
  test('come all at once, sorted by file and line', async () => {
    const found = await problems(
      folder({
        'services/b.yaml': 'supervisor: builtin\ncomand: [x]\nstate: runing\n',
        'services/a.yaml': '\tx\n',
        'policy.yaml': 'owner: [x]\n',
      }),
    );
    expect(found.map(({ at }) => `${at?.file}:${at?.line}`)).toEqual([
      'policy.yaml:1',
      'services/a.yaml:1',
      'services/b.yaml:2',
      'services/b.yaml:3',
    ]);
  });

  test('of one file are cut to a number that can be read', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `zz${i}: 1\n`).join('');
    const found = await problems(folder({ 'services/a.yaml': SLEEP + keys }));
    expect(found).toHaveLength(51);
    expect(found.some(({ summary }) => summary === '150 more problems in this file')).toBe(true);
  });

  test('about a file that can’t be parsed make no second one for those who wait for it', async () => {
    const found = await problems(
      folder({ 'services/a.yaml': 'x: [\n', 'services/b.yaml': `${SLEEP}start: { after: [a] }\n` }),
    );
    expect(found.map(({ at }) => at?.file)).toEqual(['services/a.yaml']);
  });

  test('vanish when the file is put right, and nothing of the old one is kept', async () => {
    const root = folder({ 'services/a.yaml': 'supervisor: builtin\n' });
    const cache = join(folder(), 'cache.json');
    expect(await problems(root, cache)).toHaveLength(1);
    put(root, { 'services/a.yaml': SLEEP });
    expect(await problems(root, cache)).toEqual([]);
  });
});
