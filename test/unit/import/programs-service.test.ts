import { describe, expect, it } from 'vitest';
import { foundIn, importedIn, programIn, told } from './programs-import.ts';

describe('a program', () => {
  it('says what supervisord does where nothing is said', () => {
    expect(programIn('').service).toEqual({
      supervisor: 'supervisord/x',
      command: ['/bin/web'],
      stop: { tree: false },
      restart: { policy: 'on-failure' },
      logs: { maxSize: '50MiB' },
    });
  });

  it.each([
    ['autorestart=true', { restart: undefined }],
    ['autorestart=false', { restart: { policy: 'never' } }],
    ['autostart=false', { state: 'manual' }],
    ['startsecs=0\nstartretries=99999999', { start: { ready: '0s', retries: 99_999_999 } }],
    ['startsecs=-3\nstartretries=-1\nstopwaitsecs=-1', { start: { ready: '0s', retries: 0 } }],
    ['stopsignal=int\nstopwaitsecs=90\nstopasgroup=true', { stop: { signal: 'INT', timeout: '1m30s' } }],
    ['umask=7', { umask: '007' }],
    ['umask=022', { umask: undefined }],
    ['user=nobody', { user: 'nobody' }],
    ['user=+1', { user: '1' }],
    ['directory=rel/x', { directory: '/rel/x' }],
    ['environment=A="1",B="it\'s"', { environment: { A: '1', B: "it's" } }],
    ['environment=C.D="1",E-F=2', { command: ['/usr/bin/env', '--', 'C.D=1', 'E-F=2', '/bin/web'] }],
  ])('%s', (lines, fields) => {
    expect(programIn(lines).service).toMatchObject(
      Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    );
    for (const [field, value] of Object.entries(fields)) {
      if (value === undefined) expect(programIn(lines).service).not.toHaveProperty(field);
    }
  });

  it('has what its supervisord gives to all', () => {
    const before = '[supervisord]\nenvironment=ALL="1",A="0"\ndirectory=/tmp\numask=077';
    expect(programIn('environment=A="1"', before).service).toMatchObject({
      directory: '/tmp',
      umask: '077',
      environment: { ALL: '1', A: '1' },
    });
  });

  it('runs as its supervisord where that is not root, which can switch to nobody else', () => {
    const before = '[supervisord]\nuser=nobody';
    expect(programIn('user=nobody', before).service).not.toHaveProperty('user');
    const other = programIn('user=daemon', before);
    expect(other.service).not.toHaveProperty('user');
    expect(other.losses.map(told)).toEqual([
      '5: user=daemon because its supervisord runs as nobody and can start nothing as another',
    ]);
  });

  it('keeps secrets apart, and nothing of ours is carried', () => {
    const one = programIn('environment=DB_PASSWORD="hunter22",URL="http://u:pw@h/",SUPERVISOR_X="1",PLAIN="a"');
    expect(one.service.environment).toEqual({ PLAIN: 'a' });
    expect(one.secrets).toEqual({ DB_PASSWORD: 'hunter22', URL: 'http://u:pw@h/' });
    expect(one.losses.map(told)).toEqual([
      '4: environment: SUPERVISOR_X=*** because it is what tells which process is whose',
    ]);
  });

  it('tells how what is put in place was written', () => {
    const one = programIn('directory=%(ENV_HOME)s/x\nstdout_logfile=/tmp/%(program_name)s.log');
    expect(Object.fromEntries(one.comments)).toEqual({
      directory: 'It was directory=%(ENV_HOME)s/x',
      logs: 'It was stdout_logfile=/tmp/%(program_name)s.log',
    });
    expect(programIn('stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0').comments.get('logs')).toContain(
      '/dev/stdout is an output of supervisord itself',
    );
  });

  const pool = (text: string) => {
    const [one, ...others] = importedIn(foundIn(`[supervisord]\n${text}`));
    expect(others).toEqual([]);
    return one;
  };
  const numbers = 'command=x\nnumprocs=2\nprocess_name=%(process_num)d\n';

  it('of a pool is one with as many instances, which takes the place of all', () => {
    const one = pool(`[eventlistener:e]\n${numbers}events=TICK_5\n`);
    expect(one?.service).toMatchObject({
      instances: 2,
      raw: { supervisord: [['eventlistener', 'events', 'TICK_5']] },
    });
    expect(one?.losses).toEqual([]);
    expect(one?.origin).toMatchObject({ thing: 'e', processes: ['0', '1'] });
  });

  it('of a pool with a log for each is one that logs to ours', () => {
    const one = pool(
      `[fcgi-program:f]\n${numbers}socket=unix:///run/f.sock\nstdout_logfile=/tmp/%(process_num)d.log\nredirect_stderr=true\n`,
    );
    expect(one?.service).toMatchObject({ instances: 2 });
    expect(one?.service.logs).toEqual({ maxSize: '50MiB' });
    expect(one?.losses.map(told)).toEqual([
      '7: stdout_logfile=/tmp/%(process_num)d.log because each of its processes logs to a file of its own: ours does to one of the log folder',
      '8: redirect_stderr=true because each of its processes logs to a file of its own: ours does to one of the log folder',
    ]);
  });

  it('of a pool whose processes differ in more is one process, and the rest is told', () => {
    const one = pool(`[eventlistener:e]\n${numbers.replace('x', 'x %(process_num)d')}events=TICK_5\n`);
    expect(one?.service.instances).toBeUndefined();
    expect(one?.losses.map(told)).toEqual([
      '4: numprocs=2 because its 2 processes are a pool (each event goes to one of them) and differ in more than names and logs: ours is one',
    ]);
  });
});
