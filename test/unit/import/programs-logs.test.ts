import { expect, it } from 'vitest';
import { programIn, told } from './programs-import.ts';

it.each([
  ['stdout_logfile=NONE\nstderr_logfile=off', { stdout: '/dev/null', stderr: '/dev/null' }],
  ['redirect_stderr=true', { stdout: '/var/log/ours/web.log', stderr: '/var/log/ours/web.log', maxSize: '50MiB' }],
  ['stdout_logfile=/tmp/a\nredirect_stderr=true', { stdout: '/tmp/a', stderr: '/tmp/a', maxSize: '50MiB' }],
  ['stdout_logfile=rel.log', { stdout: '/rel.log', maxSize: '50MiB' }],
  [
    'stdout_logfile=/tmp/a\nstdout_logfile_maxbytes=0\nstdout_logfile_backups=3\nstderr_logfile=NONE',
    { stdout: '/tmp/a', stderr: '/dev/null', maxSize: '0B', keep: 3 },
  ],
  ['stdout_logfile_maxbytes=50000000\nstderr_logfile_maxbytes=50000000', undefined],
  ['stdout_logfile_maxbytes=-1\nstderr_logfile_maxbytes=0', { maxSize: '0B' }],
])('%s', (lines, logs) => {
  expect(programIn(lines).service.logs).toEqual(logs);
});

it('has another size of the other file by lines of its section', () => {
  const { service } = programIn('stderr_logfile=/tmp/e\nstderr_logfile_backups=0\nstderr_logfile_maxbytes=1KB');
  expect(service.logs).toEqual({ stderr: '/tmp/e', maxSize: '50MiB' });
  expect(service.raw).toEqual({
    supervisord: [
      ['program', 'stderr_logfile_backups', 0],
      ['program', 'stderr_logfile_maxbytes', 1024],
    ],
  });
});

it('tells what has no effect, and what can not be said', () => {
  const lines = [
    'stdout_logfile=/dev/stdout',
    'stdout_logfile_maxbytes=5MB',
    'redirect_stderr=true',
    'stderr_logfile=/tmp/e',
    'stderr_syslog=false',
  ];
  expect(programIn(lines.join('\n')).losses.map(told)).toEqual([
    '5: stdout_logfile_maxbytes=5MB because /dev/stdout is no file that could be rotated: supervisord would fail at it',
    '7: stderr_logfile=/tmp/e because it never had an effect: with redirect_stderr nothing comes that way',
  ]);
  expect(programIn('stdout_logfile_backups=20000').losses.map(told)).toEqual([
    '4: stdout_logfile_backups=20000 because 10000 are kept at most',
  ]);
  const one = programIn('stdout_logfile=/tmp/a\nstderr_logfile=/tmp/a\nstderr_logfile_maxbytes=1KB');
  expect(one.losses.map(told)).toEqual([
    '6: stderr_logfile_maxbytes=1KB because both outputs go to one file, which has one size',
  ]);
});
