import { describe, expect, it } from 'vitest';
import { readShellLine } from '../../../src/import/shell-line.ts';

const read = (text: string) => readShellLine(text, '/bin/sh');

describe('a line for a shell', () => {
  it.each([
    ['/opt/a --port 80', { command: ['/opt/a', '--port', '80'] }],
    ['/opt/a \'two words\' "three more words"', { command: ['/opt/a', 'two words', 'three more words'] }],
    ['cd /opt/app && exec ./run --fast', { command: ['./run', '--fast'], directory: '/opt/app' }],
    ['A=1 B=two /opt/a', { command: ['/opt/a'], environment: { A: '1', B: 'two' } }],
    ['nohup setsid -f /opt/a &', { command: ['/opt/a'] }],
    ['/opt/a >> /var/log/a.log 2>&1', { command: ['/opt/a'], stdout: '/var/log/a.log', stderr: '/var/log/a.log' }],
    ['/opt/a >>out.log 2>>err.log </dev/null', { command: ['/opt/a'], stdout: 'out.log', stderr: 'err.log' }],
    ['/opt/a &> /dev/null &', { command: ['/opt/a'], stdout: '/dev/null', stderr: '/dev/null' }],
    ['/usr/bin/env A=1 /opt/a', { command: ['/usr/bin/env', 'A=1', '/opt/a'] }],
  ])('%s is a command', (text, wanted) => {
    expect(read(text)).toMatchObject({ environment: {}, ...wanted, shell: false });
  });

  it.each([
    'a | b',
    'a; b',
    'sleep 30 && /opt/a',
    '/opt/a $HOME',
    '/opt/a `id`',
    '/opt/a *.conf',
    '/opt/a > "$LOG"',
    '/opt/a >> x y',
    '/opt/a 2>&1 >> x',
    '/opt/a > one > two',
    '( /opt/a )',
    '. /etc/profile',
    'ulimit -n 4096',
  ])('%s stays with the shell, as it is', (text) => {
    expect(read(text)).toMatchObject({ command: ['/bin/sh', '-c', text], shell: true });
  });

  it('a shell with something in the background waits for it, for the supervisor watches the shell', () => {
    expect(read('cd /opt; ./a | ./b &').command).toEqual(['/bin/sh', '-c', 'cd /opt; ./a | ./b & wait']);
  });

  it('says what is not as before', () => {
    expect(read('/opt/a > /var/log/a.log').dropped).toEqual([
      { text: '> /var/log/a.log', why: expect.stringContaining('emptied at each start'), same: false },
    ]);
    expect(read('/opt/a >> /var/log/a.log').dropped).toEqual([]);
    expect(read('/opt/a > /dev/null &').dropped.every(({ same }) => same)).toBe(true);
  });
});
