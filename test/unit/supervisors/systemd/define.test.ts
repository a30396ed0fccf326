import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCKED, blockOf } from '../../../../src/supervisors/systemd/block.ts';
import { define } from '../../../../src/supervisors/systemd/define.ts';
import { readUnit, type UnitReading } from '../../../../src/supervisors/systemd/read-unit.ts';
import { fileOf, OPTIONS, raw, refused, service, values } from './make.ts';
import { directives } from './parse.ts';

describe('a unit', () => {
  it('of a command alone has every default that is not systemd’s own', () => {
    expect(fileOf(service({}))).toEqual({
      path: '/etc/systemd/system/web.service',
      made: '1 252',
      text: `# Written by reconciled for the service web of owner default.
# Changes made here by hand are drift: change the desired state instead.

[Unit]
Description=web (reconciled)
StartLimitIntervalSec=10m
StartLimitBurst=6

[Service]
Type=exec
User=root
WorkingDirectory=/
UMask=0022
ExecStart="/bin/web"
TimeoutStopSec=10s
Restart=always
RestartSec=1s
Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Environment="LANG=C.UTF-8"
Environment=RECONCILED_DEFINITION=v1:default:web::66e444736a6c9d0f
Environment=RECONCILED_SUPERVISOR=systemd

[Install]
WantedBy=multi-user.target

[X-Reconciled]
Stamp=v1:default:web::66e444736a6c9d0f
Digest=d7c42b80167d03346d6e791b1e6d8084
Made=1 252
Fields={"command":["/bin/web"]}
`,
    });
  });

  it('of many instances is a template, with all that is of one instance left to systemd', () => {
    const written = {
      description: '  The engine:\n  100% of it\\ ',
      command: ['python3', './engine.py', '--id=%i', '$HOME'],
      directory: '/srv/50% off',
      user: 'dolphin:adm',
      umask: '077',
      environment: { TZ: 'UTC', PATH: '/opt/bin:/usr/bin', QUOTE: '"\\\n$X %h' },
      environmentFiles: ['/etc/a*.env', '/etc//b.env'],
      stop: { signal: 'INT', timeout: '1m30s', tree: false },
      restart: { policy: 'on-failure', backoff: { initial: '500ms' }, limit: { restarts: 2, within: '1h' } },
      limits: {
        addressSpace: '2GiB',
        openFiles: 65536,
        processes: 7,
        core: '0B',
        fileSize: '1kB',
        lockedMemory: '1MiB',
        stack: '8MiB',
      },
      logs: { stdout: 'logs/engine.log', stderr: '/var/log/100%' },
      instances: 3,
      ...raw(
        ['Service', 'OOMScoreAdjust', -500],
        ['Unit', 'Wants', 'a.service'],
        ['Service', 'Nice', 5],
        ['Service', 'MemoryMax', '50%'],
        ['Service', 'Nice', 6],
      ),
    } as const;
    const { path, text } = fileOf(
      service(written as never, {
        instance: 2,
        after: ['db'],
        afterIds: ['db@1', 'db@2'],
        inputs: { 'environmentFiles:/etc/a*.env': 'd1' },
      }),
    );
    expect(path).toBe('/etc/systemd/system/web@.service');
    const { stamp } = readUnit(text) as Extract<UnitReading, { kind: 'ours' }>;
    expect(stamp).toEqual({ owner: 'default', service: 'web', instance: '%i', hash: '77257882d2869afd' });
    expect(text.slice(text.indexOf('[Unit]'), text.indexOf('[X-'))).toBe(`[Unit]
After=db@1.service db@2.service
Description=The engine: 100%% of it\\ 
StartLimitIntervalSec=1h
StartLimitBurst=3
Wants=a.service

[Service]
Type=exec
User=dolphin
Group=adm
WorkingDirectory=/srv/50%% off
UMask=0077
EnvironmentFile=/etc/a\\*.env
EnvironmentFile=/etc/b.env
ExecStart="/usr/bin/env" "--" "python3" "./engine.py" "--id=%%i" "$$HOME"
KillSignal=SIGINT
TimeoutStopSec=1m30s
KillMode=process
Restart=on-failure
RestartForceExitStatus=SIGHUP SIGINT SIGTERM SIGPIPE
RestartSec=500ms
LimitAS=2147483648
LimitNOFILE=65536
LimitNPROC=7
LimitCORE=0
LimitFSIZE=1000
LimitMEMLOCK=1048576
LimitSTACK=8388608
StandardOutput=append:/srv/50%% off/logs/engine-%i.log
StandardError=append:/var/log/100%%-%i
Environment="PATH=/opt/bin:/usr/bin"
Environment="LANG=C.UTF-8"
Environment="QUOTE=\\"\\\\\\n$X %%h"
Environment="TZ=UTC"
Environment=RECONCILED_DEFINITION=v1:default:web:%i:77257882d2869afd
Environment=RECONCILED_SUPERVISOR=systemd
Environment=RECONCILED_INSTANCE=%i
OOMScoreAdjust=-500
Nice=5
MemoryMax=50%
Nice=6

[Install]
WantedBy=multi-user.target

`);
  });

  it('is the same for every instance', () => {
    const of = (instance: number) => define(service({ instances: 2 }, { instance }), OPTIONS);
    expect(of(2)).toEqual(of(1));
  });

  it('of a user manager has no user, and starts with the session', () => {
    const user = { manager: 'user', unitDir: '/home/a/.config/systemd/user' } as const;
    const { path, text } = fileOf(service({ user: 'a:b' }), user);
    expect(path).toBe('/home/a/.config/systemd/user/web.service');
    expect(text).not.toMatch(/^(User|Group)=/m);
    expect(text).toMatch(/^WantedBy=default\.target$/m);
  });

  it('is told where its output goes only as far as was written', () => {
    const output = (logs: object) =>
      ['StandardOutput', 'StandardError'].map((key) => values(service({ logs }), key)[0]);
    expect(output({})).toEqual([undefined, undefined]);
    expect(output({ stdout: 'a.log' })).toEqual(['append:/a.log', 'journal']);
    expect(output({ stderr: '/b.log' })).toEqual([undefined, 'append:/b.log']);
    expect(output({ stdout: '/dev/null', stderr: '/dev/null' })).toEqual(['append:/dev/null', 'append:/dev/null']);
  });

  it.each([
    [{ stop: { timeout: '0s' } }, 'TimeoutStopSec', '1us'],
    [{ stop: { timeout: '99999999999999999999d' } }, 'TimeoutStopSec', '11574074d1h46m40s'],
    [{ restart: { policy: 'never' } }, 'Restart', 'no'],
    [{ restart: { backoff: { initial: '0s' } } }, 'RestartSec', '0s'],
    [{ limits: { stack: '99999999TiB' } }, 'LimitSTACK', 'infinity'],
    [{ limits: { core: '8388607TiB' } }, 'LimitCORE', '9223370937343148032'],
    [{ user: '1000:100' }, 'User', '1000'],
    [{ umask: '0027' }, 'UMask', '0027'],
    [{ stop: { tree: true } }, 'KillMode', 'control-group'],
    [{ directory: '/srv/x\\' }, 'WorkingDirectory', '/srv/x\\ '],
    [{ directory: '/srv/../x/' }, 'WorkingDirectory', '/x'],
    [
      { environment: { LANG: 'de_DE.UTF-8' } },
      'Environment',
      '"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"',
    ],
    [{ description: '\uffff\ud800' }, 'Description', '\ufffd'],
  ])('of %j says %s=%s', (written, key, value) => {
    expect(values(service(written as never), key)[0]).toBe(value);
  });

  it.each([
    [253, {}, undefined],
    [254, {}, ['9', '5m']],
    [254, { initial: '1s', factor: 10, max: '100s' }, ['2', '1m40s']],
    [254, { initial: '1s', factor: 100, max: '2s' }, ['1', '2s']],
    [254, { factor: 1 }, undefined],
    [254, { initial: '0s' }, undefined],
    [254, { initial: '5m', max: '5m' }, undefined],
  ])('under systemd %i lets the wait grow by %j: %j', (version, backoff, steps) => {
    const of = (key: string) => values(service({ restart: { backoff } }), key, { version })[0];
    const [count, max] = steps ?? [];
    expect([of('RestartSteps'), of('RestartMaxDelaySec')]).toEqual([count, max]);
  });
});

describe('a unit of others', () => {
  it('has no file of ours where nothing but its state is asked', () => {
    const written = { unit: 'nginx.service', description: 'the web server', state: 'manual' } as const;
    expect(define(service(written, { state: 'manual' }), OPTIONS)).toMatchObject({
      fields: { unit: 'nginx.service' },
      files: [],
    });
  });

  it('gets a drop-in with what was written, no defaults, and the stamp', () => {
    const written = { unit: 'nginx.service', environment: { A: 'b' }, restart: { policy: 'never' } } as const;
    const { path, text } = fileOf(service({ ...written, ...raw(['Service', 'ExecStart', '']) }, { after: ['db'] }));
    expect(path).toBe('/etc/systemd/system/nginx.service.d/50-reconciled.conf');
    expect(directives(text)).toEqual([
      { section: 'Unit', key: 'After', value: 'db.service' },
      { section: 'Service', key: 'Restart', value: 'no' },
      { section: 'Service', key: 'Environment', value: '"A=b"' },
      {
        section: 'Service',
        key: 'Environment',
        value: expect.stringMatching(/^RECONCILED_DEFINITION=v1:default:web::\w{16}$/),
      },
      { section: 'Service', key: 'Environment', value: 'RECONCILED_SUPERVISOR=systemd' },
      { section: 'Service', key: 'ExecStart', value: '' },
    ]);
    expect(readUnit(text)).toMatchObject({ kind: 'ours', intact: true, stamp: { service: 'web', instance: '' } });
  });

  it('gets one where only its input is watched, so that a change is seen', () => {
    const { text } = fileOf(service({ unit: 'nginx.service', restartOn: ['/etc/nginx.conf'] }));
    expect(directives(text).map(({ key }) => key)).toEqual(['Environment', 'Environment']);
  });

  it('that is to wait longer each time starts from the usual wait', () => {
    const { text } = fileOf(service({ unit: 'nginx.service', restart: { backoff: { max: '1m' } } }), { version: 254 });
    expect(
      directives(text)
        .map(({ key, value }) => `${key}=${value}`)
        .slice(0, 3),
    ).toEqual(['RestartSec=1s', 'RestartSteps=6', 'RestartMaxDelaySec=1m']);
  });
});

it('has no file for a service that is gone and has no command any more', () => {
  const { command, ...written } = service({}, { state: 'absent' }).written;
  expect(define({ ...service({}), state: 'absent', written }, OPTIONS)).toMatchObject({ fields: {}, files: [] });
});

it('blocks a unit of ours by a condition that is never met', () => {
  expect(BLOCKED).toEqual([['Unit', 'ConditionPathExists', '!/']]);
  const { path, text } = blockOf(service({}, { instance: 1 }), OPTIONS);
  expect(path).toBe('/etc/systemd/system/web@.service.d/99-reconciled-disabled.conf');
  expect(directives(text)).toEqual([{ section: 'Unit', key: 'ConditionPathExists', value: '!/' }]);
  expect(readUnit(text)).toMatchObject({ kind: 'ours', intact: true, stamp: { service: 'web', instance: '%i' } });
});

describe('what is refused', () => {
  it.each([
    [{ command: ['x', 'a\0'] }, 'command.1: holds a zero byte'],
    [{ command: [''] }, 'command.0: is empty'],
    [{ environment: { A: '\uffff' } }, 'environment.A: holds a code point that is no character'],
    [{ directory: '/a\rb' }, "directory: the path holds a line break, which a unit file can't hold"],
    [{ directory: '/a ' }, "directory: the path ends in white space, which a unit file can't hold"],
    [
      { environmentFiles: ['/a', '/b '] },
      "environmentFiles.1: the path ends in white space, which a unit file can't hold",
    ],
    [{ logs: { stdout: 'a\t' } }, "logs.stdout: the path ends in white space, which a unit file can't hold"],
    [{ logs: { stderr: 'a\rb' } }, "logs.stderr: the path holds a line break, which a unit file can't hold"],
    [{ logs: { keep: 3 } }, 'logs.keep: its output goes to the journal'],
    [{ logs: { maxSize: '1MB' } }, 'logs.maxSize: its output goes to the journal'],
    [{ unit: 'nginx@.service' }, 'unit: nginx@.service is a template'],
    [{ unit: 'nginx.service', instances: 2 }, 'instances: a unit of others has no instances'],
    [{ unit: 'nginx.service', state: 'absent' }, 'state: nginx.service belongs to others and is never removed'],
    [{ raw: { supervisord: [['program', 'a', 'b']] } }, 'raw.supervisord: not supported yet by supervisor systemd'],
  ])('%j', (written, summary) => {
    expect(refused(service(written as never))).toEqual([summary]);
  });

  it('more than a line can hold', () => {
    expect(refused(service({ description: 'x'.repeat(1_000_001) }))).toEqual([
      'the file of web holds more than a unit file can: 1 MB',
    ]);
  });

  it('is told all at once', () => {
    expect(refused(service({ command: [''], directory: '/ ', logs: { keep: 1 } }))).toHaveLength(3);
  });

  it('is nothing of what is done about drift', () => {
    for (const drift of ['heal', 'hold', 'report'] as const) expect(refused(service({ drift }))).toEqual([]);
  });
});

it('is a function of the fields: equal fields make equal texts', () => {
  const shuffled = fc.shuffledSubarray(['A', 'B', 'C', 'D'], { minLength: 4 });
  fc.assert(
    fc.property(shuffled, shuffled, (a, b) => {
      const of = (keys: readonly string[]) =>
        fileOf(service({ environment: Object.fromEntries(keys.map((key) => [key, key])) })).text;
      expect(of(a)).toBe(of(b));
    }),
  );
});
