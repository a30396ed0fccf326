import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importPrograms } from '../../../src/import/programs.ts';
import { layOut, temporary } from '../supervisors/supervisord/lay-out.ts';
import { foundIn, importedIn, refusedIn, told } from './programs-import.ts';

const CONFIGS = new URL('configs/', import.meta.url).pathname;
const named = (name: string) => foundIn(readFileSync(join(CONFIGS, `${name}.conf`), 'utf8'));

describe('a supervisord configuration', () => {
  it('is a service for each program, with what never held', () => {
    const { found, supervisor } = named('rlimits');
    expect(found).toHaveLength(1);
    const [one] = importedIn({ found, supervisor, notices: [] });
    expect(one).toMatchObject({
      name: 'nautilus_trader',
      origin: { group: 'dolphin', thing: 'dolphin:nautilus_trader', processes: ['nautilus_trader'] },
    });
    expect(one?.service).toEqual({
      group: 'dolphin',
      supervisor: 'supervisord/x',
      state: 'manual',
      command: ['/opt/dolphin/venv/bin/python3', 'nautilus_event_trader.py'],
      directory: '/opt/dolphin/prod',
      environment: { PYTHONPATH: '/opt/dolphin', TZ: 'UTC', PYTHONUNBUFFERED: '1' },
      start: { ready: '10s' },
      stop: { timeout: '30s', tree: false },
      logs: { stdout: '/tmp/nautilus_trader.log', maxSize: '50MiB' },
      raw: { supervisord: [['program', 'priority', 10]] },
    });
    expect(one?.losses.map(told)).toEqual([
      '17: rlimit_as=2GB because it never had an effect: supervisord knows no such option and ignores it (limits.addressSpace: 2GiB would set it)',
      '18: rlimit_nofile=65536 because it never had an effect: supervisord knows no such option and ignores it (limits.openFiles: 65536 would set it)',
      '19: restrat=true because it never had an effect: supervisord knows no such option and ignores it (did you mean autorestart?)',
      '20: cwd=/opt because it never had an effect: supervisord knows no such option and ignores it (did you mean directory?)',
    ]);
    expect(one?.comments.get('')).toContain('rlimit_as=2GB never had an effect: supervisord knows no such option');
    expect(supervisor?.losses.map(told)).toContain(
      '4: chmod=0777 because any user of this host could control it: ours has 0700',
    );
  });

  it('is called as its program, or after what is in the way', () => {
    expect(importedIn(named('names-that-are-none')).map(({ name }) => name)).toEqual(
      [
        'my-app.v2',
        'my_app.v2',
        'underscore',
        'a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-an',
        'a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-2',
        'a-b',
        'gr-e',
      ].map((name) => name.slice(0, 63)),
    );
    expect(importedIn(named('group-names')).map(({ name, service }) => [name, service.group])).toEqual([
      ['web', 'foo.bar'],
      ['other-web', 'other'],
      ['worker', 'other'],
    ]);
  });

  it('is a service for each of its processes, which takes the place of that', () => {
    const alike = importedIn(named('numprocs-all-alike'));
    expect(alike.map(({ name, origin }) => [name, origin])).toMatchObject(
      [1, 2, 3].map((number) => {
        const process = `sidekiq-${number}`;
        return [process, { thing: `sidekiq:${process}`, processes: [process] }];
      }),
    );
    const many = importedIn(named('numprocs-ports'));
    expect(many.map(({ name, service }) => [name, service.command])).toEqual(
      [8, 9, 10, 11].map((number) => {
        const port = `80${String(number).padStart(2, '0')}`;
        return [`tornado-${port}`, ['/srv/tornado/venv/bin/python', 'app.py', `--port=${port}`, '--workers=4']];
      }),
    );
    expect(importedIn(named('laravel-workers-one-log'))[0]?.comments.get('')).toContain('`instances: 8` would do');
  });

  it('is what its many files say together, each with its own %(here)s', () => {
    const folder = temporary();
    const found = foundIn(readFileSync(join(CONFIGS, 'include-in-many-files.conf'), 'utf8'), folder);
    expect(importedIn(found)[0]?.service).toMatchObject({
      environment: { STAGE: 'live', WHERE: `${folder}/site` },
      start: { retries: 9 },
      logs: { stdout: `${folder}/site/shop.log` },
    });
  });

  it('goes on without what is broken, a template, or never starts', () => {
    const text = `[supervisord]
[include]
files=inc/*.conf
[program:a]
command=/bin/x --password=hunter22 -u 'x
[program:tpl]
command={{ venv }}/bin/x
[program:{{ name }}]
command=x
[program:gone]
command=/bin/x
user=nobody-here
stdout_logfile=/nowhere/x.log
[program:env]
command=%(ENV_NOT_KNOWN)s
[program:zero]
command=x
numprocs=0
[group:g]
programs=b,c
[program:b]
command=docker logs --format "{{.ID}} {{json .}}"
=== inc/broken.conf
[program:c]
command /bin/x
[program:d]
command=x
=== inc/jinja.conf
[program:e]
{% if x %}
command=x
{% endif %}
=== inc/well.conf
[program:f]
command=%(here)s/x
`;
    const found = foundIn(text);
    expect(importedIn(found).map(({ name }) => name)).toEqual(['f', 'b']);
    const refused = refusedIn(found).map(({ origin, problem }) => {
      const of = origin.kind === 'file' ? origin.path.split('/').at(-1) : origin.kind === 'program' && origin.program;
      return `${of}:${problem.at?.line}: ${problem.summary.replaceAll(/\/tmp\/[^ ]*\//g, '')}`;
    });
    expect(refused).toEqual([
      'broken.conf:2: supervisord cannot read this line: it has no `=`',
      'jinja.conf:2: cannot import jinja.conf: it is a template',
      'a:5: cannot import a: supervisord can not start it: a quote of its command is never closed',
      'env:15: supervisord cannot take command in [program:env]: it knows nothing of the name ENV_NOT_KNOWN',
      'gone:12: supervisord cannot take user in [program:gone]: there is no user nobody-here on this host',
      'tpl:7: cannot import [program:tpl]: it is a template',
      'zero:18: cannot import zero: supervisord runs no process of it',
      '{{ name }}:8: cannot import [program:{{ name }}]: it is a template',
      'g:20: supervisord cannot take programs in [group:g]: there is no [program:c]',
    ]);
    expect(JSON.stringify(found)).not.toContain('hunter22');
  });

  it('says why where nothing can be read', () => {
    const missing = importPrograms('/nowhere/supervisord.conf', { logDir: '/tmp' });
    expect(missing).toMatchObject({
      supervisor: undefined,
      found: [{ kind: 'refused', origin: { kind: 'file', path: '/nowhere/supervisord.conf' } }],
    });
    expect(refusedIn(missing)[0]?.problem.summary).toBe(
      'cannot read /nowhere/supervisord.conf: no such file or directory',
    );
    const main = foundIn(
      '[supervisord]\n[program:a]\ncommand=x\nnothing\n[include]\nfiles=b.conf\n=== b.conf\n[program:b]\ncommand=x\n',
    );
    expect(importedIn(main).map(({ name }) => name)).toEqual(['b']);
    expect(refusedIn(main)).toHaveLength(1);
    expect(foundIn('')).toMatchObject({ supervisor: undefined, found: [] });
  });

  it('may be a part of one, and tells what is odd', () => {
    const part = foundIn('[program:a]\ncommand=x\n');
    expect(importedIn(part)).toHaveLength(1);
    expect(part.notices.map(({ summary }) => summary)[0]).toContain('it has no [supervisord] section');
    const nothing = foundIn('[supervisord]\n[include]\nfiles=none/*.conf\n[unix_http_server]\n');
    expect(nothing.notices.map(({ summary }) => summary)).toEqual([
      'supervisord cannot take [unix_http_server]: it has no file',
      expect.stringContaining('no file is included by'),
    ]);
  });

  it.each([
    ['etc/supervisor/supervisord.conf', 'main'],
    ['dolphin.conf', 'dolphin'],
    ['Shop/supervisord.conf', 'shop'],
    ['conf/supervisor.ini', 'main'],
  ])('%s is that of the supervisord %s', (path, name) => {
    const folder = temporary();
    layOut(folder, `=== ${path}\n[supervisord]\n[program:a]\ncommand=x\n`);
    const { supervisor } = importPrograms(join(folder, path), { logDir: '/tmp' });
    expect(supervisor?.name).toBe(name);
  });
});
