import { describe, expect, it } from 'vitest';
import type { Imported } from '../../../src/import/found.ts';
import { importUnitText, type UnitContext } from '../../../src/import/unit.ts';

function imported(text: string, unit = 'web.service', context: Partial<UnitContext> = {}): Imported {
  const found = importUnitText(unit, text, context);
  if (found.kind === 'refused') throw new Error(found.problem.summary);
  return found;
}

function problem(text: string, unit = 'web.service') {
  const found = importUnitText(unit, text);
  return found.kind === 'refused' ? found.problem : undefined;
}

const service = (...lines: readonly string[]) => `[Service]\nExecStart=/bin/a\n${lines.join('\n')}\n`;
const rawOf = ({ service }: Imported) =>
  ((service.raw as { readonly systemd?: readonly (readonly string[])[] })?.systemd ?? []).map((line) => line.join(' '));

const UNIT = `# Somebody's own.
[Unit]
Description=The scan bridge
After=network-online.target redis.service
Wants=network-online.target
StartLimitIntervalSec=10min
StartLimitBurst=6

[Service]
Type=exec
User=dolphin
Group=trade
UMask=0027
WorkingDirectory=/opt/dolphin
Environment=TZ=UTC "GREETING=hello there"
Environment=API_TOKEN=hush
EnvironmentFile=/etc/dolphin/bridge.env
ExecStart=/opt/dolphin/venv/bin/python3 bridge.py --share 50%% --price $$5 \\
    "--name=scan bridge"
Restart=always
RestartSec=2
TimeoutStopSec=30
KillSignal=SIGINT
KillMode=process
LimitNOFILE=65536
LimitAS=2G
StandardOutput=append:/var/log/dolphin/bridge.log
StandardError=append:/var/log/dolphin/bridge-error.log

[Install]
WantedBy=multi-user.target
`;

describe('a unit', () => {
  it('becomes what there are words for, and lines for the rest', () => {
    const running = { active: true, startedWith: ['multi-user.target'] };
    expect(imported(UNIT, 'scan_bridge.service', { state: running })).toEqual({
      kind: 'imported',
      origin: {
        kind: 'unit',
        unit: 'scan_bridge.service',
        path: '/etc/systemd/system/scan_bridge.service',
        manager: 'system',
      },
      name: 'scan_bridge',
      service: {
        description: 'The scan bridge',
        supervisor: 'systemd',
        state: 'running',
        command: [
          '/opt/dolphin/venv/bin/python3',
          'bridge.py',
          '--share',
          '50%',
          '--price',
          '$5',
          '--name=scan bridge',
        ],
        directory: '/opt/dolphin',
        user: 'dolphin:trade',
        umask: '027',
        limits: { addressSpace: '2GiB', openFiles: 65_536 },
        logs: { stdout: '/var/log/dolphin/bridge.log', stderr: '/var/log/dolphin/bridge-error.log', maxSize: '0MB' },
        environment: { TZ: 'UTC', GREETING: 'hello there' },
        environmentFiles: ['/etc/dolphin/bridge.env'],
        stop: { signal: 'INT', timeout: '30s', tree: false },
        restart: {
          policy: 'always',
          backoff: { initial: '2s', factor: 1 },
          limit: { restarts: 5, within: '10m' },
        },
        raw: {
          systemd: [
            ['Unit', 'After', 'network-online.target redis.service'],
            ['Unit', 'Wants', 'network-online.target'],
          ],
        },
      },
      comments: new Map([
        ['raw', 'Lines of the unit that there is no word for; an empty value takes back what we add.'],
        ['', 'Imported from /etc/systemd/system/scan_bridge.service.'],
      ]),
      secrets: { API_TOKEN: 'hush' },
      losses: [],
    });
  });

  it('says what systemd takes for granted, where we would not', () => {
    const found = imported(service());
    expect(found.service).toMatchObject({
      description: 'web.service',
      stop: { timeout: '1m30s' },
      restart: { policy: 'never', backoff: { initial: '100ms', factor: 1 }, limit: { restarts: 4, within: '10s' } },
    });
    expect(rawOf(found)).toEqual([
      'Service Type simple',
      'Service WorkingDirectory ',
      'Service User ',
      'Install WantedBy ',
    ]);
  });

  it.each([
    ['several commands', 'ExecStart=\nExecStart=/bin/b\nExecStart=/bin/c\nType=oneshot', ['/bin/b', '/bin/c']],
    ['a sign before it', 'ExecStart=\nExecStart=-/bin/b', ['-/bin/b']],
    ['a variable', 'ExecStart=\nExecStart=/bin/b $OPTIONS', ['/bin/b $OPTIONS']],
    ['a specifier', 'ExecStart=\nExecStart=/bin/b --name %n', ['/bin/b --name %n']],
    ['a second one on the line', 'ExecStart=\nExecStart=/bin/b ; /bin/c\nType=oneshot', ['/bin/b ; /bin/c']],
    ['a name that its own PATH would find elsewhere', 'ExecStart=\nExecStart=b\nEnvironment=PATH=/opt', ['b']],
    ['an open quote', 'ExecStart=\nExecStart=/bin/b "c', ['/bin/b "c']],
  ])('keeps a command with %s as lines', (_, text, lines) => {
    const found = imported(service(text));
    expect(found.service.command).toBeUndefined();
    expect(rawOf(found).filter((line) => line.startsWith('Service ExecStart'))).toEqual(
      lines.map((line) => `Service ExecStart ${line}`),
    );
  });

  it('keeps in their order what only systemd can tell, and what comes before it has words', () => {
    const found = imported(
      service(
        'EnvironmentFile=/etc/a',
        'EnvironmentFile=-/etc/b',
        'EnvironmentFile=/etc/c',
        'Environment=A=%h B=1 A=2',
      ),
    );
    expect(found.service).toMatchObject({ environmentFiles: ['/etc/a'], environment: { A: '2', B: '1' } });
    expect(rawOf(found).filter((line) => /EnvironmentFile/.test(line))).toEqual([
      'Service EnvironmentFile -/etc/b',
      'Service EnvironmentFile /etc/c',
    ]);
  });

  it('with drop-ins is what they make of it, resets and all', () => {
    const dropIn = '[Service]\nExecStart=\nExecStart=/bin/b\nEnvironment=\nEnvironment=C=3\nTimeoutStopSec=5\n';
    const found = imported(service('Environment=A=1', 'TimeoutSec=1min'), 'web.service', {
      dropIns: [{ path: '/etc/systemd/system/web.service.d/a.conf', bytes: Buffer.from(dropIn), movable: true }],
    });
    expect(found.service).toMatchObject({ command: ['/bin/b'], environment: { C: '3' }, stop: { timeout: '5s' } });
    expect(rawOf(found)).toContain('Service TimeoutStartSec 1min');
    expect(found.comments.get('')).toContain('web.service.d/a.conf');
  });

  it('restarts after a failure as systemd understands one', () => {
    const found = imported(service('Restart=on-failure', 'RestartForceExitStatus=7'));
    expect(found.service.restart).toMatchObject({ policy: 'on-failure' });
    expect(rawOf(found).filter((line) => /Force/.test(line))).toEqual([
      'Service RestartForceExitStatus ',
      'Service RestartForceExitStatus 7',
    ]);
    expect(rawOf(imported(service('Restart=on-abnormal')))).toEqual(
      expect.arrayContaining(['Service Restart no', 'Service Restart on-abnormal']),
    );
  });

  it('that is an instance has its name filled in, and its slice', () => {
    const found = imported(service('SyslogIdentifier=%i', 'ExecStopPost=/bin/kill %p'), 'App@x1.service');
    expect(found.name).toBe('app-x1');
    expect(rawOf(found)).toEqual(
      expect.arrayContaining([
        'Service Slice system-App.slice',
        'Service SyslogIdentifier x1',
        'Service ExecStopPost /bin/kill App',
      ]),
    );
  });

  it("of a user's manager runs as that user, at home, with the default target", () => {
    const found = imported('[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=default.target\n', 'web.service', {
      manager: 'user',
    });
    expect(found.service).not.toHaveProperty('user');
    expect(rawOf(found)).toEqual(['Service Type simple', 'Service WorkingDirectory ']);
  });

  it('of a package is managed by its state alone where that is asked', () => {
    const state = { active: true, startedWith: ['multi-user.target'] };
    const found = imported(service(), 'nginx.service', {
      path: '/usr/lib/systemd/system/nginx.service',
      byState: true,
      state,
    });
    expect(found.service).toEqual({ supervisor: 'systemd', unit: 'nginx.service', state: 'running' });
    expect(found.losses).toEqual([]);
  });
});

describe('the desired state', () => {
  const install = '[Install]\nWantedBy=multi-user.target\n';
  const enabled = { active: true, startedWith: ['multi-user.target'] };
  it.each([
    ['runs and is enabled', service() + install, enabled, { state: 'running' }],
    ['runs and is not', service() + install, { active: true, startedWith: [] }, { state: 'running', autostart: false }],
    ['neither', service() + install, { active: false, startedWith: [] }, { state: 'stopped' }],
    ['is enabled and does not run', service() + install, { ...enabled, active: false }, { state: 'manual' }],
    ['is started by others', service(), { active: true, startedWith: [] }, { state: 'manual' }],
    ['is started early', service() + install, { active: true, startedWith: ['sysinit.target'] }, { state: 'manual' }],
    ['is a job', service('Type=oneshot') + install, enabled, { state: 'manual' }],
    ['could not be asked about', service() + install, { active: undefined, startedWith: [] }, { state: 'manual' }],
  ])('of what %s changes nothing', (_, text, state, wanted) => {
    const { state: own, autostart } = imported(text, 'web.service', { state }).service;
    expect({ state: own, ...(autostart === undefined ? {} : { autostart }) }).toEqual(wanted);
  });
});

describe('what is lost', () => {
  it('is told with its place, secrets masked, and why', () => {
    const text = service(
      'Environment="DB_PASSWORD=hush" nonsense "A=1',
      '[X-Own]',
      'TOKEN=hush',
      '[Service]',
      'Naice=3',
    );
    const found = imported(text, 'web.service', { known: new Set(['Service.ExecStart', 'Service.Environment']) });
    expect(found.losses.map(({ key, value, at, why }) => [key, value, at?.line, why])).toEqual([
      ['[X-Own] TOKEN', '***', 5, 'systemd passes over the section [X-Own] of a service'],
      ['[Service] Naice', '3', 7, 'the systemd of this host knows no such directive, and passes over it'],
      ['[Service] Environment', 'nonsense', 3, 'it is no assignment KEY=VALUE, so systemd passes over it'],
      ['[Service] Environment', '"A=1', 3, 'a quote is never closed, or an escape is none: systemd passes over it'],
    ]);
    expect(found.secrets).toEqual({ DB_PASSWORD: 'hush' });
    expect(JSON.stringify(found.losses)).not.toContain('hush');
  });

  it('is not what a secret has to be filled in for, but that is told', () => {
    const found = imported(service('Environment=KEY_TOKEN=%d/key'));
    expect(rawOf(found)).toContain('Service Environment "KEY_TOKEN=%d/key"');
    expect(found.comments.get('raw')).toContain('KEY_TOKEN');
  });
});

describe('nothing is made of', () => {
  it.each([
    ['a script', '#!/bin/sh\nset -e\nA=1\nexec /bin/a\n', 'not-a-unit', 'it is a script, not a unit file', 2],
    ['a text', 'hello\n', 'broken-unit', 'it holds no directive of a unit', 1],
    ['a template', service('User={{ user }}'), 'template', 'it is a template that nobody has filled in: {{ user }}', 3],
    ['a block of one', service('{% if x %}', 'Nice=1', '{% endif %}'), 'template', 'filled in: {% if x %}', 3],
    ['a broken header', `[Unit\n${service()}`, 'broken-unit', 'it holds no directive of a unit', 1],
    [
      'a broken second one',
      `${service()}[Install\nWantedBy=a\n`,
      'broken-unit',
      '[Install is no header of a section',
      4,
    ],
    ['no command', '[Service]\nNice=1\n', 'broken-unit', 'it has no ExecStart=, ExecStop= or SuccessAction=', 2],
    ['two commands', service('ExecStart=/bin/b'), 'broken-unit', 'can have several ExecStart=', 3],
    ['a job that restarts', service('Type=oneshot', 'Restart=always'), 'broken-unit', 'is not for Type=oneshot', 4],
    ['a bus without a name', service('Type=dbus'), 'broken-unit', 'Type=dbus needs BusName=', 3],
  ])('%s', (_, text, code, because, line) => {
    const found = problem(text);
    expect(found).toMatchObject({ code, at: { line, file: '/etc/systemd/system/web.service' } });
    expect(found?.summary).toContain('cannot import web.service: ');
    expect(found?.summary).toContain(because);
    expect(found?.hint).toBeTruthy();
  });

  it('what we have written', () => {
    const text = `${service()}[X-Reconciled]\nStamp=v1:default:web::0123456789abcdef\n`;
    expect(problem(text)).toMatchObject({ code: 'already-ours' });
  });

  it('marks that a program takes for its own are no template', () => {
    const text = "ExecStartPre=/usr/bin/docker ps --format '{{.ID}}'";
    expect(rawOf(imported(service(text)))).toContain(`Service ${text.replace('=', ' ')}`);
  });
});
