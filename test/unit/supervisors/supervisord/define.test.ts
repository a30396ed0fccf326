import { userInfo } from 'node:os';
import { expect, it } from 'vitest';
import { self } from '../../../../src/host/users.ts';
import { defined, fileOf, INSTANCE, OTHERS, OWNED, options, raw, refused, service } from './make.ts';

const root = process.getuid?.() === 0;

it('of a command alone says what is not supervisord’s own default, and whose it is', () => {
  const { home, name, shell } = self();
  const { path, made, text } = fileOf(service({ description: ' The  web\nserver ' }));
  expect(path).toBe('/etc/main/conf.d/reconciled-default.conf#web');
  expect(
    text.slice(0, text.indexOf('\n; Program=')),
  ).toBe(`; Written by reconciled for the service web of owner default.
; Changes made here by hand are drift: change the desired state instead.
; The web server

[program:web]
command=/bin/web
directory=/
environment=PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",HOME="${home}",USER="${name}",LOGNAME="${name}",SHELL="${shell}",LANG="C.UTF-8",RECONCILED_DEFINITION="v1:default:web::66e444736a6c9d0f",RECONCILED_SUPERVISOR="supervisord/main",RECONCILED_SETTINGS="c5dd596b7fa6"
autorestart=true
stopasgroup=true
stdout_logfile=/var/log/reconciled/web.log
stdout_logfile_maxbytes=50000000
stderr_logfile=/var/log/reconciled/web-error.log
stderr_logfile_maxbytes=50000000

; [X-Reconciled]
; Stamp=v1:default:web::66e444736a6c9d0f`);
  expect(text).toContain(`"made":"${made}"`);
});

it('under a supervisord of others says all, lest their [DEFAULT] says otherwise', () => {
  const { command, directory, environment, ...rest } = options({}, {}, OTHERS);
  expect(rest).toEqual({
    umask: '022',
    autostart: 'true',
    autorestart: 'true',
    exitcodes: '0',
    startsecs: '1',
    startretries: '3',
    stopsignal: 'TERM',
    stopwaitsecs: '10',
    stopasgroup: 'true',
    killasgroup: 'true',
    stdout_logfile: '/var/log/reconciled/web.log',
    stdout_logfile_maxbytes: '50000000',
    stdout_logfile_backups: '10',
    redirect_stderr: 'false',
    stderr_logfile: '/var/log/reconciled/web-error.log',
    stderr_logfile_maxbytes: '50000000',
    stderr_logfile_backups: '10',
  });
});

it('says every field that supervisord has a word for', () => {
  const written = {
    command: ['./web', 'a b'],
    directory: '/srv/web',
    umask: '077',
    start: { ready: '0s', retries: 7 },
    stop: { signal: 'INT', timeout: '1m', tree: false },
    restart: { policy: 'on-failure' },
    logs: { stdout: 'log/out', stderr: '/dev/stderr', maxSize: '1MiB', keep: 3 },
    ...raw(['program', 'Priority', 5], ['program', 'stdout_events_enabled', true]),
  } as const;
  const { environment, ...rest } = options(written as never, { autostart: false });
  expect(rest).toEqual({
    command: "/srv/web/web 'a b'",
    directory: '/srv/web',
    umask: '077',
    autostart: 'false',
    autorestart: 'unexpected',
    exitcodes: '0',
    startsecs: '0',
    startretries: '7',
    stopsignal: 'INT',
    stopwaitsecs: '60',
    stdout_logfile: '/srv/web/log/out',
    stdout_logfile_maxbytes: '1048576',
    stdout_logfile_backups: '3',
    stderr_logfile: '/dev/stderr',
    stderr_logfile_maxbytes: '0',
    stderr_logfile_backups: '3',
    priority: '5',
    stdout_events_enabled: 'true',
  });
});

it('starts at boot only what is to run, or may', () => {
  for (const [state, autostart, written] of [
    ['running', true, undefined],
    ['running', false, 'false'],
    ['manual', true, undefined],
    ['stopped', true, 'false'],
    ['disabled', true, 'false'],
  ] as const) {
    expect([state, options({}, { state, autostart }).autostart]).toEqual([state, written]);
  }
});

it('has one log for both outputs where they are one file', () => {
  const { redirect_stderr, stderr_logfile } = options({ logs: { stdout: '/a/x', stderr: '/a/../a/x' } });
  expect({ redirect_stderr, stderr_logfile }).toEqual({ redirect_stderr: 'true' });
});

it('gives each instance its number, its file and its logs', () => {
  const { path, text } = fileOf(service({ instances: 3, logs: { stdout: '/a/x.log' } }, { instance: 2 }));
  expect(path).toBe('/etc/main/conf.d/reconciled-default.conf#web@2');
  expect(text).toContain('\n[program:web@2]\n');
  expect(text).toContain('RECONCILED_INSTANCE="2",RECONCILED_DEFINITION="v1:default:web:2:');
  expect(text).toContain('\nstdout_logfile=/a/x-2.log\n');
});

it('is run by no wrapper, but for what supervisord has no word for', () => {
  const command = (written: Parameters<typeof options>[0], more = {}) => options(written, more).command;
  expect(command({ command: ['web'] })).toBe('web');
  expect(command({ command: ['web'], environment: { PATH: '/opt/bin' } })).toBe('/usr/bin/env -- web');
  expect(command({ environment: { PATH: '/opt/bin' } })).toBe('/bin/web');
  expect(command({ environment: { A: '"x"' } })).toMatch(/^\/\S*\/env -- 'A="x"' \/bin\/web$/);
  expect(command({ limits: { addressSpace: '2GiB', openFiles: 7 } })).toMatch(
    /^\/\S*\/prlimit --as=2147483648 --nofile=7 -- \/bin\/web$/,
  );
});

it.runIf(root)('lets supervisord switch the user, and a wrapper where it can’t', () => {
  const daemon = options({ user: 'daemon' });
  expect([daemon.user, daemon.command]).toEqual(['daemon', '/bin/web']);
  expect(daemon.environment).toContain('USER="daemon"');
  const group = options({ user: 'daemon:adm' });
  expect(group.user).toBeUndefined();
  expect(group.command).toMatch(/^\/\S*\/setpriv --reuid=1 --regid=adm --init-groups -- \/bin\/web$/);
  // supervisord would not take any of its configuration.
  const nobody = options({ user: 'nosuchuser' });
  expect(nobody.user).toBeUndefined();
  expect(nobody.command).toMatch(/setpriv --reuid=nosuchuser --regid=nosuchuser --init-groups -- /);
  // What reads files must be able to.
  const { text } = fileOf(service({ user: 'daemon', environmentFiles: ['/etc/secrets.env'] }));
  expect(text).not.toMatch(/^user=/m);
  expect(text).toMatch(/exec "\$@"' reconciled \/\S*\/setpriv --reuid=1 .* -- \/bin\/web$/m);
});

it('never holds what a file of variables holds, only its name', () => {
  const { text } = fileOf(
    service({ environmentFiles: ["/etc/it's.env"] }, { inputs: { "environmentFiles:/etc/it's.env": 'd1' } }),
  );
  expect(text).toContain('/etc/it');
  expect(text.match(/^command=\/bin\/sh -c /gm)).toHaveLength(1);
});

it('waits before restarts only where somebody wrote how', () => {
  const text = (written: Parameters<typeof options>[0]) => fileOf(service(written)).text;
  expect(text({ restart: { policy: 'always' } })).not.toContain('/bin/sh');
  expect(text({ restart: { policy: 'never', backoff: { initial: '1s' } } })).not.toContain('/bin/sh');
  expect(text({ restart: { backoff: { initial: '500ms', max: '3s' } } })).toContain(' in 0.5 1 2 3; do');
});

it('has no file where nothing is left to say', () => {
  const { command, ...written } = service({}, { state: 'absent' }).written;
  expect(defined({ ...service({}, { state: 'absent' }), written }).files).toEqual([]);
});

it('refuses what it can’t make true, and says what would be right', () => {
  const refusals = (written: Parameters<typeof service>[0], instance = INSTANCE) => refused(service(written), instance);
  expect(refusals({ start: { ready: '500ms' }, stop: { timeout: '2500ms' } })).toEqual([
    'start.ready: supervisord counts whole seconds, and this is 500ms (write 1s)',
    'stop.timeout: supervisord counts whole seconds, and this is 2s500ms (write 2s or 3s)',
  ]);
  expect(refusals({ environment: { SUPERVISOR_PROCESS_NAME: 'x' } })).toHaveLength(1);
  expect(refusals({ command: ['a', 'b\0'] })).toEqual(['command.1: holds a zero byte (write it without)']);
  expect(refusals({ command: ['a', 'b\ud800'] })).toHaveLength(1);
  expect(refusals({ command: [''] })).toHaveLength(1);
  const asApp = { ...INSTANCE, owned: { ...OWNED, user: 'app:app' } };
  expect(refusals({ user: userInfo().username }, asApp)).toHaveLength(1);
  expect(refusals({ user: 'app' }, asApp)).toEqual([]);
});
