import { symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../../src/supervisors/supervisord/config-file.ts';
import { layOut, processesOf, readNamed, readText, temporary } from './lay-out.ts';

const told = (config: ReturnType<typeof readText>) =>
  config.problems.map(({ at, summary }) => `${at?.file.split('/').at(-1)}:${at?.line} ${summary}`);

describe('a configuration', () => {
  it('is read with all that it includes', () => {
    const folder = temporary();
    const config = readNamed('debian.conf', folder);
    expect(config.problems).toEqual([]);
    expect(config.files).toEqual([join(folder, 'supervisord.conf'), join(folder, 'conf.d/laravel-worker.conf')]);
    expect(config.server).toMatchObject({ pidfile: '/var/run/supervisord.pid', logfile: '/var/log/supervisord.log' });
    expect(config.listeners).toMatchObject([{ kind: 'unix', path: '/var/run/supervisor.sock', mode: 0o700 }]);
    const [group] = config.groups;
    expect(group).toMatchObject({ kind: 'program', name: 'laravel-worker', priority: 999 });
    expect(group?.programs[0]?.options).toMatchObject({
      autorestart: true,
      stopasgroup: true,
      killasgroup: true,
      user: 'www-data',
      stopwaitsecs: 3600,
      stopsignal: 15,
      exitcodes: [0],
    });
    expect(group?.programs[0]?.processes).toHaveLength(8);
    expect(group?.programs[0]?.processes[7]).toMatchObject({
      name: 'laravel-worker_07',
      stdout: { logfile: '/tmp/worker.log', logfile_maxbytes: 50 * 2 ** 20, logfile_backups: 10, syslog: false },
      stderr: { logfile: 'NONE' },
    });
    expect(group?.programs[0]?.section.options.get('user')).toMatchObject({ value: 'www-data', line: 8 });
  });

  it('has comments also in quotes, and not where no blank is before', () => {
    const { 'nginx:nginx': nginx, 'shell:shell': shell } = processesOf(readNamed('nginx-comment-in-quotes.conf'));
    expect(nginx?.command).toBe('/usr/sbin/nginx -g "daemon off;');
    expect(shell?.command).toBe("sh -c 'a; b");
    const { 'a:x;y': process } = processesOf(readNamed('comments.conf'));
    expect(process).toMatchObject({ command: '/bin/echo a;b c#d', directory: '/srv/#1' });
    const turns = processesOf(readNamed('comment-turns.conf'));
    expect(Object.values(turns).map(({ command }) => command)).toEqual(['a;b ;kept', 'a#b #kept', 'a;b']);
  });

  it('has values over many lines, blank ones too', () => {
    const { 'web:web': web } = processesOf(readNamed('gunicorn-heredoc.conf'));
    expect(web?.command.split('\n')).toEqual([
      '/srv/app/venv/bin/gunicorn app.wsgi:application',
      '--bind 0.0.0.0:8000',
      '--workers 4',
      '',
      '--timeout 120',
      '--access-logfile -',
    ]);
    expect(web?.environment).toEqual({
      DJANGO_SETTINGS_MODULE: 'app.settings.production',
      SECRET_KEY: 'a,b=c%d',
      DATABASE_URL: 'postgres://u:p@db:5432/app?sslmode=require',
      EMPTY: '',
    });
  });

  it('refers to variables, those of [supervisord] and of the program itself too', () => {
    const { 'x:x': process } = processesOf(readNamed('environment-nested.conf'));
    expect(process).toMatchObject({
      command: '/srv/bin/x --home /srv/x',
      directory: '/srv/x',
      environment: { ROOT: '/srv', DEBUG: '1', OWN: '/srv/x' },
      stdout: { logfile: `/tmp/x-${hostname()}.log` },
    });
  });

  it('puts programs into groups, more than one at a time', () => {
    const { groups } = readNamed('groups.conf');
    expect(groups.map(({ kind, name, programs }) => [kind, name, ...programs.map((each) => each.name)])).toEqual([
      ['group', 'foo', 'b', 'a'],
      ['program', 'alone', 'alone'],
      ['group', 'bar', 'a'],
      ['group', 'none'],
    ]);
  });

  it('includes files in order, each but once for each pattern that it fits, and none from within', () => {
    const folder = temporary();
    const config = readNamed('include-many.conf', folder);
    expect(config.files.map((file) => file.slice(folder.length + 1))).toEqual([
      'supervisord.conf',
      'conf.d/10-a.conf',
      'conf.d/20-b.conf',
      'more/a.ini',
      'single.conf',
    ]);
    expect(config.warnings).toMatchObject([{ summary: 'no file is included by /nowhere/*.conf' }]);
    expect(config.server.loglevel).toBe('debug');
    const { 'a:a': a, 'b:b': b, 'main:main': main } = processesOf(config);
    // %(here)s is the folder of the file that it stands in.
    expect(main?.command).toBe(`${folder}/main`);
    expect(a).toMatchObject({ command: `${folder}/conf.d/a`, directory: `${folder}/more` });
    expect(b?.command).toBe(`${folder}/conf.d/b`);
    const [priority] = config.groups.flatMap(({ section }) => section.options.get('priority') ?? []);
    expect(priority).toMatchObject({ line: 2, source: { path: join(folder, 'more/a.ini') } });
  });

  it('hands defaults down', () => {
    const folder = temporary();
    const { 'a:a': a, 'b:b': b } = processesOf(readNamed('default-section.conf', folder));
    expect(a).toMatchObject({ directory: folder, environment: { SHARED: 'yes' }, stdout: { logfile: '/tmp/a.log' } });
    expect(b?.stdout.logfile).toBe('/tmp/b.log');
  });

  it('adds sections of one name together, the last value counting', () => {
    const config = readNamed('duplicates.conf');
    expect(config.groups.map(({ name, priority }) => [name, priority])).toEqual([
      ['a', 3],
      ['b', 999],
    ]);
    expect(processesOf(config)['a:a']?.command).toBe('/bin/second');
  });

  it('listens also by TCP, and under more names', () => {
    expect(readNamed('inet.conf').listeners).toMatchObject([
      { kind: 'tcp', host: '', port: 9001, username: 'admin' },
      { kind: 'tcp', host: '127.0.0.1', port: 9002, username: undefined },
      { kind: 'unix', path: '/root/supervisor.sock', mode: 0o770, owner: 'root:root' },
    ]);
  });

  it('passes over included files that the caller knows, but not over their names', () => {
    const path = layOut(temporary(), '[supervisord]\n[include]\nfiles=*.ini\n=== a.ini\n[program:a]\n=== b.ini\n[x]\n');
    const config = readConfig(path, { skip: (file) => file.endsWith('/a.ini') });
    expect([...config.sections.keys()]).toEqual(['supervisord', 'include', 'x']);
    expect(config.problems).toEqual([]);
  });
});

describe('what supervisord refuses is told', () => {
  it.each([
    ['refused-bom.conf', ':1 supervisord cannot read this line: it stands before any [section]: the file begins with'],
    ['refused-before-sections.conf', ':1 supervisord cannot read this line: it stands before any [section]'],
    ['refused-key-without-value.conf', ':4 supervisord cannot read this line: it has no `=`'],
    ['refused-no-command.conf', ':2 supervisord cannot take [program:a]: it has no command'],
    [
      'refused-no-folder.conf',
      ':4 supervisord cannot take stdout_logfile in [program:a]: there is no folder /nowhere/at/all',
    ],
    ['refused-user.conf', ':4 supervisord cannot take user in [program:a]: there is no user nobody-of-that-name'],
    ['refused-name.conf', ':2 supervisord cannot take [program:a b]: a name takes no blank'],
    ['refused-sizes.conf', ":4 supervisord cannot take stdout_logfile_maxbytes in [program:a]: '10M' is not a size"],
    [
      'refused-log-percent-once.conf',
      ':4 supervisord cannot take stdout_logfile in [program:a]: `%b` means nothing there',
    ],
    ['refused-group-of-nobody.conf', ':3 supervisord cannot take programs in [group:g]: there is no [program:b]'],
    ['refused-date.conf', ':3 supervisord cannot take command in [program:backup]: `%Y` means nothing there'],
    [
      'refused-unknown-variable.conf',
      ':3 supervisord cannot take command in [program:x]: it knows nothing of the name ENV_NOT',
    ],
    [
      'refused-environment-spaces.conf',
      ':4 supervisord cannot take environment in [program:x]: it has to be of the form',
    ],
    [
      'refused-inet-half-a-login.conf',
      ':4 supervisord cannot take username in [inet_http_server]: a username without a password',
    ],
    ['refused-include-without-files.conf', ':2 supervisord cannot take [include]: it has no files'],
  ])('%s', (name, text) => {
    const problems = told(readNamed(name));
    expect(problems[0]).toContain(`supervisord.conf${text}`);
  });

  it('in an included file, by its name', () => {
    expect(told(readNamed('refused-include-broken.conf'))).toContain(
      'b.conf:2 supervisord cannot read this line: it has no `=`',
    );
  });

  it('all at once, and once for all processes of a program', () => {
    const text =
      '[supervisord]\nminfds=x\n[program:a]\nnumprocs=9\nprocess_name=%(process_num)d\nstdout_logfile_backups=x\n';
    expect(told(readText(text))).toEqual([
      "supervisord.conf:2 supervisord cannot take minfds in [supervisord]: 'x' is not a whole number",
      'supervisord.conf:3 supervisord cannot take [program:a]: it has no command',
      "supervisord.conf:6 supervisord cannot take stdout_logfile_backups in [program:a]: 'x' is not a whole number",
    ]);
  });

  it('without what is secret', () => {
    const text =
      '[supervisord]\n[inet_http_server]\nport=1\npassword=hunter%2\n[program:a]\ncommand=x\nenvironment=PW="hunter2\n';
    const { problems } = readText(text);
    expect(problems.length).toBeGreaterThan(1);
    expect(JSON.stringify(problems)).not.toContain('hunter');
    expect(problems.map(({ at }) => at?.excerpt)).toContain('password=***');
  });

  it('with a line that is not UTF-8', () => {
    const folder = temporary();
    const path = layOut(folder, '[supervisord]\n');
    writeFileSync(path, Buffer.from('[supervisord]\n; r\xe9sum\xe9\n', 'latin1'));
    expect(told(readConfig(path))).toEqual(['supervisord.conf:2 supervisord cannot read this line: it is not UTF-8']);
  });

  it('where there is no file at all', () => {
    expect(readConfig('/nowhere/supervisord.conf').problems).toMatchObject([
      { summary: 'cannot read /nowhere/supervisord.conf: no such file or directory' },
    ]);
  });

  it('and what can not be read is not taken for absent', () => {
    const folder = temporary();
    const path = layOut(folder, '[supervisord]\n[include]\nfiles=*.ini\n');
    // Its first page is nobody's: reading it fails, for root too.
    symlinkSync('/proc/self/mem', join(folder, 'a.ini'));
    expect(readConfig(path).problems).toMatchObject([{ code: 'supervisord-unreadable' }]);
  });
});

describe('an environment that is not known', () => {
  it('makes unreadable what depends on it where that is vital, and is told of where it is not', () => {
    const text = '[supervisord]\n[unix_http_server]\nfile=%(ENV_RUN)s/s.sock\n[program:a]\ncommand=%(ENV_HOME)s/x\n';
    const config = readConfig(layOut(temporary(), text));
    expect(config.problems).toMatchObject([
      { code: 'supervisord-unreadable', summary: expect.stringContaining('cannot tell file of [unix_http_server]') },
    ]);
    expect(config.warnings).toMatchObject([{ summary: expect.stringContaining('cannot tell command of [program:a]') }]);
    expect(config.groups.map(({ name }) => name)).toEqual(['a']);
  });
});
