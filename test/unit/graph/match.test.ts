import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { match, type Seen, type Wanted } from '../../../src/graph/match.ts';

const PYTHON = '/home/dolphin/siloqy_env/bin/python3';
const TRADER: Wanted = {
  command: [PYTHON, 'nautilus_event_trader.py'],
  directory: '/opt/dolphin/prod',
  user: 'dolphin',
};
const words = (text: string) => text.split(' ');
const seen = (argv: string | readonly string[], more: Partial<Seen> = {}): Seen => ({
  argv: typeof argv === 'string' ? words(argv) : argv,
  exe: '/usr/bin/python3.11',
  cwd: '/opt/dolphin/prod',
  user: 'dolphin',
  uid: 1000,
  ...more,
});
const kind = (argv: string | readonly string[], more: Partial<Seen> = {}, wanted = TRADER) =>
  match(seen(argv, more), wanted).kind;

describe('is exact', () => {
  it.each([
    ['the command itself', `${PYTHON} nautilus_event_trader.py`],
    ['its script by its whole path', `${PYTHON} /opt/dolphin/prod/nautilus_event_trader.py`],
    ['its script with a dot', `${PYTHON} ./nautilus_event_trader.py`],
    ['another path of its interpreter', '/usr/bin/python3 nautilus_event_trader.py'],
    ['its interpreter by its name', 'python3 nautilus_event_trader.py'],
    ['options of its interpreter', 'python3 -u -OO -W ignore -X dev nautilus_event_trader.py'],
    ['env with variables', 'env -i A=1 B=2 python3 nautilus_event_trader.py'],
    ['nice, nohup and setsid', 'nice -n 5 nohup setsid -f python3 nautilus_event_trader.py'],
    [
      'prlimit and setpriv',
      'prlimit --as=2000 -- setpriv --reuid 1000 --init-groups -- python3 nautilus_event_trader.py',
    ],
    ['timeout and stdbuf', 'timeout -k 5 60 stdbuf -oL -e 0 python3 nautilus_event_trader.py'],
  ])('with %s', (_, argv) => {
    expect(match(seen(argv, argv.startsWith('/') ? {} : { exe: undefined }), TRADER)).toMatchObject({ kind: 'exact' });
  });

  it.each([
    ['exec', 'exec python3 nautilus_event_trader.py'],
    ['an output', 'python3 -u nautilus_event_trader.py >>/var/log/x.log 2>&1'],
    ['a directory', 'cd /opt/dolphin/prod && TZ=UTC exec python3 "nautilus_event_trader.py"'],
  ])('in a shell that comes down to it, with %s', (_, text) => {
    expect(kind(['/bin/sh', '-c', text], { exe: '/usr/bin/dash', cwd: '/opt/dolphin/prod' })).toBe('exact');
    expect(kind(['bash', '-ec', text], { exe: '/usr/bin/bash' })).toBe('exact');
  });

  it('where a shell is given it as its arguments', () => {
    expect(kind(['sh', '-c', 'exec "$@"', 'sh', 'python3', 'nautilus_event_trader.py'], { exe: '/bin/dash' })).toBe(
      'exact',
    );
  });

  it('for a script that names its interpreter itself', () => {
    const wanted = { command: ['./run.sh', 'a'], directory: '/opt/x' };
    const bash = { cwd: '/opt/x', exe: '/usr/bin/bash' };
    expect(kind('/bin/bash ./run.sh a', bash, wanted)).toBe('exact');
    expect(kind('/bin/bash /opt/x/run.sh a', bash, wanted)).toBe('exact');
    expect(kind('/bin/bash /opt/y/run.sh a', bash, wanted)).toBe('likely');
    expect(kind('/bin/bash ./run.sh b', bash, wanted)).toBe('none');
  });

  it('for a module in the same directory', () => {
    const wanted = { command: ['python3', '-m', 'pkg.mod', '--port', '1'], directory: '/srv/app' };
    expect(kind('/usr/bin/python3 -u -m pkg.mod --port 1', { cwd: '/srv/app' }, wanted)).toBe('exact');
    expect(kind('/usr/bin/python3 -um pkg.mod --port 1', { cwd: '/srv/app' }, wanted)).toBe('exact');
    expect(kind('/usr/bin/python3 -m pkg.mod --port 1', { cwd: '/srv/other' }, wanted)).toBe('likely');
    expect(kind('/usr/bin/python3 -m pkg.mod --port 2', { cwd: '/srv/app' }, wanted)).toBe('none');
    expect(kind('/usr/bin/python3 -m pkg.model --port 1', { cwd: '/srv/app' }, wanted)).toBe('none');
    expect(kind('/usr/bin/python3 pkg.mod --port 1', { cwd: '/srv/app' }, wanted)).toBe('none');
  });

  it('for a program that is looked up by its name, in a folder of such programs', () => {
    const wanted = { command: ['redis-server', '/etc/redis.conf'], directory: '/' };
    const at = (exe: string) => ({ exe, cwd: '/' });
    expect(kind('redis-server /etc/redis.conf', at('/usr/bin/redis-server'), wanted)).toBe('exact');
    expect(kind('/bin/redis-server /etc/redis.conf', at('/usr/bin/redis-server'), wanted)).toBe('exact');
    expect(kind('/opt/mine/redis-server /etc/redis.conf', at('/opt/mine/redis-server'), wanted)).toBe('likely');
    expect(kind('redis-server /etc/redis.conf', { exe: '/usr/bin/redis-server', cwd: '/home/me' }, wanted)).toBe(
      'likely',
    );
  });

  it('for a program of its own folder, wherever it runs', () => {
    const wanted = { command: ['/opt/web/bin/server', '--port', '80'], directory: '/opt/web' };
    const exe = '/opt/web/bin/server';
    expect(kind('/opt/web/bin/server --port 80', { exe, cwd: '/' }, wanted)).toBe('exact');
    expect(kind('./bin/server --port 80', { exe, cwd: '/somewhere' }, wanted)).toBe('exact');
    expect(kind('/opt/web/bin/server --port 80', { exe: `${exe} (deleted)`, cwd: '/' }, wanted)).toBe('exact');
    expect(kind('/opt/web/bin/server --port 81', { exe, cwd: '/' }, wanted)).toBe('none');
    expect(kind('/opt/web/bin/server --port 80 --debug', { exe, cwd: '/' }, wanted)).toBe('likely');
  });

  it('where the directory is known with its links followed', () => {
    const wanted = { command: ['python3', 'x.py'], directory: '/opt/current', realDirectory: '/opt/releases/3' };
    expect(kind('python3 x.py', { cwd: '/opt/releases/3' }, wanted)).toBe('exact');
    expect(kind('python3 /opt/current/x.py', { cwd: '/' }, wanted)).toBe('exact');
    expect(kind('python3 x.py', { cwd: '/opt/releases/2' }, wanted)).toBe('likely');
  });

  it('for exactly these arguments where no directory and no user are named', () => {
    const wanted = { command: ['python3', 'meta_health_daemon_v2.py'] };
    expect(kind('python3 meta_health_daemon_v2.py', { cwd: '/root', user: 'root' }, wanted)).toBe('exact');
    expect(kind('python3 /root/meta_health_daemon_v2.py', { cwd: '/', user: 'root' }, wanted)).toBe('likely');
  });
});

describe('is likely, and says why,', () => {
  it.each([
    ['of another user', { user: 'root', uid: 0 }, 'of root, not of dolphin'],
    ['of nobody knows who', { user: undefined, uid: undefined }, 'whose it is could not be read'],
    [
      'in a directory that could not be read',
      { cwd: undefined },
      'a script of that name; where it is could not be read',
    ],
    [
      'in another directory',
      { cwd: '/home/me' },
      'a script of that name elsewhere: /home/me/nautilus_event_trader.py, not /opt/dolphin/prod/nautilus_event_trader.py',
    ],
    [
      'that is another program than it says',
      { exe: '/usr/bin/sleep' },
      'it calls itself python3 and is /usr/bin/sleep',
    ],
  ])('a process %s', (_, more, why) => {
    const found = match(seen('python3 nautilus_event_trader.py', more), TRADER);
    expect(found.kind).toBe('likely');
    expect(found.score).toBeLessThan(1);
    expect(found.evidence).toContain(why);
  });

  it('with more arguments', () => {
    expect(match(seen('python3 nautilus_event_trader.py --debug'), TRADER)).toMatchObject({
      kind: 'likely',
      score: 0.57,
    });
  });

  it('that has rewritten its arguments', () => {
    const wanted = { command: ['/usr/sbin/nginx', '-g', 'daemon off;'], directory: '/' };
    const title = ['nginx: master process /usr/sbin/nginx -g daemon off;', '', ''];
    expect(kind(title, { exe: '/usr/sbin/nginx' }, wanted)).toBe('likely');
    expect(kind(title, { exe: '/opt/other/nginx' }, wanted)).toBe('none');
    expect(kind(title, { exe: undefined }, wanted)).toBe('none');
  });
});

describe('is nothing of the sort', () => {
  it.each([
    'vim nautilus_event_trader.py',
    'tail -f nautilus_event_trader.py',
    'tail -f /var/log/nautilus_event_trader.log',
    'grep nautilus_event_trader.py',
    'grep -r python3 nautilus_event_trader.py',
    'pkill -9 -f nautilus_event_trader.py',
    'less /opt/dolphin/prod/nautilus_event_trader.py',
    'cp nautilus_event_trader.py x.py',
    'python3',
    'python3 -',
    'python3 -c nautilus_event_trader.py',
    'python3 -m nautilus_event_trader',
    'python3 -m pdb nautilus_event_trader.py',
    'python3 other.py nautilus_event_trader.py',
    'python3 -W nautilus_event_trader.py',
    'python3 old_nautilus_event_trader.py',
    'nautilus_event_trader.pyc',
    'sudo -u dolphin python3 nautilus_event_trader.py',
    'nice',
    'prlimit --pid 12 nautilus_event_trader.py',
  ])('%s', (argv) => {
    expect(kind(argv, { exe: undefined })).toBe('none');
  });

  it.each([
    'sleep 2; python3 nautilus_event_trader.py',
    'while true; do python3 nautilus_event_trader.py; done',
    'python3 nautilus_event_trader.py | tee log',
    'python3 $SCRIPT',
    'echo python3 nautilus_event_trader.py',
  ])('a shell that runs %s', (text) => {
    expect(kind(['sh', '-c', text], { exe: '/bin/dash' })).toBe('none');
  });

  it('a process without arguments', () => {
    expect(kind([])).toBe('none');
    expect(kind([''])).toBe('none');
  });

  it('other code on the command line', () => {
    const wanted = { command: ['python3', '-c', 'import a'], directory: '/' };
    expect(kind(['python3', '-c', 'import a'], { cwd: '/' }, wanted)).toBe('exact');
    expect(kind(['python3', '-c', 'import b'], { cwd: '/' }, wanted)).toBe('none');
    expect(kind(['perl', '-c', 'import a'], { cwd: '/' }, wanted)).toBe('none');
  });

  it('a script of that name elsewhere with other arguments', () => {
    const wanted = { command: ['python3', 'manage.py', 'web'], directory: '/srv/a' };
    expect(kind('python3 manage.py web', { cwd: '/srv/b' }, wanted)).toBe('likely');
    expect(kind('python3 manage.py worker', { cwd: '/srv/b' }, wanted)).toBe('none');
    expect(kind('python3 manage.py worker', { cwd: '/srv/a' }, wanted)).toBe('none');
    expect(kind('python3 manage.py web --debug', { cwd: '/srv/b' }, wanted)).toBe('none');
  });
});

const word = fc.constantFrom(
  ...[
    'python3',
    'x.py',
    '/opt/x.py',
    './x.py',
    '-u',
    '-m',
    '-c',
    '--',
    'env',
    'A=1',
    'nice',
    'sh',
    'exec x.py',
    '-n',
    '5',
  ],
  ...['node', 'vim', 'a', 'b', '', '$@', '-', 'timeout', 'setsid', '-W', 'mod'],
);

it('never takes a command with other words of its own for exact', () => {
  const own = fc.array(fc.constantFrom('alpha', 'beta', '--port', '80', '-v', ''), { minLength: 1, maxLength: 4 });
  const start = fc.constantFrom(
    ['python3', '/opt/x.py'],
    ['python3', '-m', 'mod'],
    ['/opt/server'],
    ['node', '/opt/x.js'],
  );
  const before = fc.constantFrom([], ['nice', '-n', '3'], ['env', 'A=1'], ['timeout', '5'], ['nohup']);
  fc.assert(
    fc.property(start, own, own, before, (command, ours, theirs, wrapper) => {
      const same = JSON.stringify(ours) === JSON.stringify(theirs);
      const wanted = { command: [...command, ...ours] };
      const found = match({ argv: [...wrapper, ...command, ...theirs] }, wanted);
      expect(found.kind === 'exact').toBe(same);
    }),
  );
});

it('never throws, and is exact only where the last words are the same', () => {
  const line = fc.array(word, { maxLength: 7 });
  fc.assert(
    fc.property(line, line, fc.option(fc.constantFrom('/opt', '/'), { nil: undefined }), (argv, command, cwd) => {
      const found = match({ argv, cwd }, { command, directory: '/opt' });
      expect(found.score).toBeGreaterThanOrEqual(0);
      expect(found.score).toBeLessThanOrEqual(1);
      expect(found.kind === 'none').toBe(found.score === 0);
      // A login shell is called with a dash. What follows `sh -c '…'` names the shell and is not passed on: there the last word is the line's own.
      const lasts = (words: readonly string[]) =>
        [words.at(-1) ?? '', ...words.filter((_, i) => words[i - 1] === '-c')].map((one) =>
          one
            .replace(/^(exec |-(?=.))/, '')
            .split('/')
            .at(-1),
        );
      if (found.kind === 'exact') expect(lasts(argv).some((one) => lasts(command).includes(one))).toBe(true);
    }),
    { numRuns: 2000, examples: [[['x.py'], ['sh', '-c', 'exec x.py', 'python3'], '/opt']] },
  );
});

it('takes any command for itself', () => {
  const line = fc.array(fc.constantFrom('python3', '/opt/x.py', '-u', 'a', '--b', '/opt/server', 'node', 'run'), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(line, (command) => {
      expect(match({ argv: command, cwd: '/opt' }, { command, directory: '/opt' }).kind).toBe('exact');
    }),
  );
});
