import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { instanceOf, type Places } from '../../../src/desired/instances.ts';
import { load } from '../../../src/desired/load.ts';
import { folder, problems, put, SLEEP, valid } from './folder.ts';

const ROOT: Places = { root: true, runtime: '/run', logDir: '/var/log/reconciled' };
const DOLPHIN = 'config: /etc/supervisor/dolphin.conf\n';
const PROGRAM = 'supervisor: supervisord/dolphin\ncommand: [/bin/sleep, "60"]\n';

describe('an instance', () => {
  test('is ours with every default filled, where no more than its configuration is said', () => {
    expect(instanceOf('dolphin', 'supervisors/dolphin.yaml', { config: '/etc/supervisor/dolphin.conf' }, ROOT)).toEqual(
      {
        name: 'dolphin',
        supervisor: 'supervisord/dolphin',
        file: 'supervisors/dolphin.yaml',
        config: '/etc/supervisor/dolphin.conf',
        include: '/etc/supervisor/dolphin.d',
        allowInsecureSocket: false,
        owned: {
          socket: { path: '/run/supervisord-dolphin/supervisor.sock', mode: 0o700 },
          log: { path: '/var/log/reconciled/supervisord-dolphin.log', maxSize: 50_000_000, keep: 10, level: 'info' },
          pidFile: '/run/supervisord-dolphin/supervisord.pid',
          command: 'supervisord',
          user: undefined,
          minfds: 1024,
          minprocs: 200,
          boot: 'systemd',
          changes: 'staged',
        },
      },
    );
  });

  test('is as its file says', () => {
    const written = {
      config: '/srv/dolphin/supervisord.ini',
      include: '/srv/dolphin/programs/',
      socket: { path: '/srv/dolphin/run/s.sock', mode: '770', owner: 'root:ops' },
      log: { path: '/srv/dolphin/log', maxSize: '1MiB', keep: 0, level: 'debug' as const },
      command: '/opt/supervisor/bin/supervisord',
      user: 'dolphin:ops',
      minfds: 65536,
      minprocs: 1000,
      boot: 'none' as const,
      changes: 'now' as const,
      allowInsecureSocket: true,
    };
    expect(instanceOf('dolphin', 'supervisors/dolphin.yaml', written, ROOT)).toMatchObject({
      include: '/srv/dolphin/programs',
      allowInsecureSocket: true,
      owned: {
        socket: { path: '/srv/dolphin/run/s.sock', mode: 0o770, owner: 'root:ops' },
        log: { path: '/srv/dolphin/log', maxSize: 1 << 20, keep: 0, level: 'debug' },
        pidFile: '/srv/dolphin/run/supervisord.pid',
        command: '/opt/supervisor/bin/supervisord',
        user: 'dolphin:ops',
        minfds: 65536,
        minprocs: 1000,
        boot: 'none',
        changes: 'now',
      },
    });
  });

  test('has its includes beside its configuration whatever that is called', () => {
    const include = (config: string) => instanceOf('a', 'a', { config }, ROOT).include;
    expect(include('/etc/a.conf')).toBe('/etc/a.d');
    expect(include('/etc/supervisor/a.ini')).toBe('/etc/supervisor/a.ini.d');
  });

  test('logs where its own user can, and a user has all below his own folders', () => {
    const written = { config: '/etc/a.conf', user: 'dolphin' };
    const user: Places = { root: false, runtime: '/run/user/1000', logDir: '/home/me/.local/state/reconciled/logs' };
    const log = (places: Places, more = {}) => instanceOf('a', 'a', { ...written, ...more }, places).owned?.log.path;
    expect(log(ROOT)).toBe('/var/log/supervisord-a/supervisord.log');
    expect(log(ROOT, { user: 'root' })).toBe('/var/log/reconciled/supervisord-a.log');
    expect(log(user)).toBe('/home/me/.local/state/reconciled/logs/supervisord-a.log');
    expect(instanceOf('a', 'a', written, user).owned?.socket.path).toBe('/run/user/1000/supervisord-a/supervisor.sock');
  });

  test('that others own has nothing of its own', () => {
    const written = { config: '/etc/supervisor/supervisord.conf', owned: false, include: '/etc/supervisor/conf.d' };
    expect(instanceOf('debian', 'supervisors/debian.yaml', written, ROOT)).toEqual({
      name: 'debian',
      supervisor: 'supervisord/debian',
      file: 'supervisors/debian.yaml',
      config: '/etc/supervisor/supervisord.conf',
      include: '/etc/supervisor/conf.d',
      allowInsecureSocket: false,
      owned: undefined,
    });
  });
});

describe('a desired state with supervisors/', () => {
  test('has them sorted by name, used or not', async () => {
    const root = folder({
      'services/web.yaml': PROGRAM,
      'supervisors/whale.json': '{ "config": "/etc/supervisor/whale.conf" }',
      'supervisors/dolphin.yaml': DOLPHIN,
    });
    const { instances, services } = await valid(root);
    expect(instances.map(({ supervisor, file }) => [supervisor, file])).toEqual([
      ['supervisord/dolphin', 'supervisors/dolphin.yaml'],
      ['supervisord/whale', 'supervisors/whale.json'],
    ]);
    expect(services.map(({ id, supervisor }) => [id, supervisor])).toEqual([['web', 'supervisord/dolphin']]);
  });

  test('may have nothing else', async () => {
    expect((await valid(folder({ 'supervisors/dolphin.yaml': DOLPHIN }))).instances).toHaveLength(1);
  });

  test('is another with each change of them', async () => {
    const root = folder({ 'services/web.yaml': SLEEP, 'supervisors/dolphin.yaml': DOLPHIN });
    const before = (await valid(root)).revision.content;
    put(root, { 'supervisors/dolphin.yaml': `${DOLPHIN}minfds: 2048\n` });
    expect((await valid(root)).revision.content).not.toBe(before);
  });

  test('gives the same objects from the cache, and the same problems', async () => {
    const root = folder({ 'services/web.yaml': PROGRAM, 'supervisors/dolphin.yaml': DOLPHIN });
    const cache = join(folder(), 'cache.json');
    const fresh = await valid(root, cache);
    expect((await valid(root, cache)).instances).toEqual(fresh.instances);
    put(root, { 'supervisors/whale.yaml': DOLPHIN });
    const told = await problems(root);
    expect(told).not.toEqual([]);
    expect(await problems(root, cache)).toEqual(told);
  });

  test('says where a value of what runs an instance is written', async () => {
    const { locate } = await valid(folder({ 'supervisors/dolphin.yaml': `${DOLPHIN}user: me\n` }));
    expect(locate('supervisord-dolphin', ['user'])).toMatchObject({
      file: 'supervisors/dolphin.yaml',
      line: 2,
      column: 7,
    });
  });

  test('knows what runs them as a service to wait for', async () => {
    const waits = `${SLEEP}start: { after: [supervisord-dolphin] }\n`;
    const { services } = await valid(folder({ 'services/web.yaml': waits, 'supervisors/dolphin.yaml': DOLPHIN }));
    expect(services[0]?.afterIds).toEqual(['supervisord-dolphin']);
    const [problem] = await problems(folder({ 'services/web.yaml': waits }));
    expect(problem?.summary).toBe("start.after: no service is called 'supervisord-dolphin'");
  });

  test('puts logs where the tool is told to', async () => {
    const directory = folder({ 'supervisors/dolphin.yaml': DOLPHIN });
    const loaded = await load({ directory, hostname: 'dolphin', logDir: '/srv/logs' });
    if (loaded.kind === 'invalid') throw new Error('invalid');
    expect(loaded.desired.instances[0]?.owned?.log.path).toBe('/srv/logs/supervisord-dolphin.log');
  });
});
