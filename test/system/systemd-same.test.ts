import { beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh } from '../rig/systemd/units.ts';
import { createWorld, type World } from '../rig/systemd/world.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: nobody is to fill that in.
const ODD = 'a  b\n\t"c" \'d\' $HOME ${HOME} %n %% \\ \\n ü – 日本 #;';
const ARGUMENTS = ['one two', ODD, '', '--flag=$$'];

const PROGRAM = `#!/bin/sh
trap 'echo told to end; exit 0' INT
trap 'echo told to end by the wrong signal' TERM
echo "out $TZ"
echo "err $SECRET" >&2
dd if=/dev/zero of=/dev/null bs=3G count=1
while :; do sleep 0.05; done
`;

/** The example of the documentation, as far as both can have it; `supervisor` is the one word. */
const engine = (supervisor: string, more: object = {}) => ({
  description: 'Event-driven trading engine',
  group: 'dolphin',
  supervisor,
  state: 'running',
  command: ['/opt/dolphin/engine', ...ARGUMENTS],
  directory: '/opt/dolphin',
  user: 'dolphin',
  umask: '027',
  environment: { TZ: 'UTC', ODD, EMPTY: '' },
  environmentFiles: ['/etc/dolphin/secrets.env'],
  restartOn: ['/opt/dolphin/config.toml'],
  start: { ready: '200ms', retries: 3, after: ['bridge'] },
  stop: { signal: 'INT', timeout: '5s', tree: true },
  restart: {
    policy: 'always',
    backoff: { initial: '100ms', factor: 2, max: '5m' },
    limit: { restarts: 5, within: '10m' },
    cooldown: '5m',
  },
  limits: { addressSpace: '2GiB', openFiles: 4096, core: '0B', stack: '4MiB' },
  logs: { stdout: 'logs/engine.log', stderr: 'logs/engine-error.log', maxSize: '50MB', keep: 10 },
  health: [{ name: 'alive', exec: { command: ['test', '-e', '/opt/dolphin/config.toml'] }, every: '200ms' }],
  changes: 'now',
  ...more,
});

describeOnSystemd('the same service file, but for one word', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/opt/dolphin/engine', PROGRAM, 0o755);
    host.write('/etc/dolphin/secrets.env', 'SECRET=hush\n', 0o600);
    await sh(host, 'useradd --create-home dolphin; mkdir /opt/dolphin/logs; chown dolphin: /opt/dolphin/logs');
    return () => host[Symbol.asyncDispose]();
  });

  const status = (world: World) => world.status('engine');
  const log = (name: string) => host.read(`/opt/dolphin/logs/${name}`);

  /** The life of the service under a supervisor: what was seen of it. */
  async function live(supervisor: string): Promise<object> {
    await sh(
      host,
      'cd /opt/dolphin/logs; for f in engine.log engine-error.log; do echo before >$f; chown dolphin: $f; done',
    );
    host.write('/opt/dolphin/config.toml', 'a = 1\n');
    await using world = createWorld(host, `same-${supervisor}`);
    world.declare('bridge', { supervisor, command: ['sleep', '1000'] });
    world.declare('engine', engine(supervisor));
    const daemon = await world.daemon();
    await world.apply();
    const { pid, state } = await status(world);
    const first = pid ?? 0;
    const proc = (file: string) => host.read(`/proc/${first}/${file}`);
    // A shell that interprets the program is the same program.
    const argv = proc('cmdline').split('\0').slice(0, -1);
    const environment = proc('environ')
      .split('\0')
      .filter((entry) => !OWN.test(entry))
      .sort();
    const limits = proc('limits').match(/^Max (address space|open files|core file size|stack size) .*$/gm);
    const identity = proc('status').match(/^(Uid|Gid|Groups|Umask):.*$/gm);
    const cwd = (await sh(host, `readlink /proc/${first}/cwd`)).trim();
    await until(() => log('engine-error.log').includes('exhausted'));
    const logs = [log('engine.log'), log('engine-error.log')];
    await until(async () => (await status(world)).health === 'healthy');

    await sh(host, `kill -9 ${first}`);
    await until(async () => ![null, first].includes((await status(world)).pid));
    const { pid: second, restarts } = await status(world);

    host.write('/opt/dolphin/config.toml', 'a = 2\n');
    const plan = await world.plan();
    await world.apply();
    const { pid: third, definition } = await status(world);
    expect(new Set([first, second, third]).size).toBe(3);
    const before = log('engine.log');

    world.declare('engine', engine(supervisor, { state: 'stopped' }));
    await world.apply();
    const ended = log('engine.log').slice(before.length);
    const stopped = await status(world);
    await daemon.stop();
    world.declare('engine', { supervisor, state: 'absent' });
    world.declare('bridge', { supervisor, state: 'absent' });
    await world.apply();
    expect(await world.plan()).toEqual([]);
    return {
      state,
      argv,
      environment,
      limits,
      identity,
      cwd,
      logs,
      restarts,
      plan,
      definition,
      before,
      ended,
      stopped: [stopped.state, stopped.pid, stopped.note],
    };
  }

  it('is the same service under systemd as under the embedded supervisor', async () => {
    const systemd = await live('systemd');
    expect(systemd).toMatchObject({
      state: 'RUNNING',
      argv: ['/bin/sh', '/opt/dolphin/engine', ...ARGUMENTS],
      environment: [
        'EMPTY=',
        'HOME=/home/dolphin',
        'LANG=C.UTF-8',
        'LOGNAME=dolphin',
        `ODD=${ODD}`,
        expect.stringMatching(/^PATH=/),
        'SECRET=hush',
        expect.stringMatching(/^SHELL=/),
        'TZ=UTC',
        'USER=dolphin',
      ],
      cwd: '/opt/dolphin',
      logs: ['before\nout UTC\n', expect.stringMatching(/^before\nerr hush\n.*dd: memory exhausted/)],
      restarts: 1,
      plan: ['replace:engine'],
      definition: 'current',
      ended: 'told to end\n',
      stopped: ['STOPPED', null, null],
    });
    expect(await live('builtin')).toEqual(systemd);
  });
});

/** Variables that are a supervisor's own. */
const OWN = /^(RECONCILED_|INVOCATION_ID=|JOURNAL_STREAM=|SYSTEMD_EXEC_PID=|$)/;
