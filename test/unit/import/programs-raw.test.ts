import { expect, it } from 'vitest';
import { foundIn, importedIn, programIn } from './programs-import.ts';

it('keeps what the schema has no word for, in its order', () => {
  const lines =
    'stdout_syslog=yes\nexitcodes=0, 2\npriority=5\nkillasgroup=true\nstopsignal=WINCH\nstderr_capture_maxbytes=1KB';
  expect(programIn(lines).service.raw).toEqual({
    supervisord: [
      ['program', 'stdout_syslog', true],
      ['program', 'exitcodes', '0,2'],
      ['program', 'priority', 5],
      ['program', 'killasgroup', true],
      ['program', 'stopsignal', 28],
      ['program', 'stderr_capture_maxbytes', 1024],
    ],
  });
});

it('has no line for what is as it is without', () => {
  const lines = 'priority=999\nexitcodes=0\nstopasgroup=true\nkillasgroup=true\nstopsignal=9\nstdout_syslog=false';
  expect(programIn(lines).service).not.toHaveProperty('raw');
});

it('makes sections of other kinds', () => {
  const [listener, cgi] = importedIn(
    foundIn(`[supervisord]
[fcgi-program:f]
socket=unix:///tmp/%(program_name)s-50%%.sock
command=x
socket_mode=0o770
[eventlistener:e]
command=x
buffer_size=+20
events= tick_5 ,EVENT
`),
  );
  expect(listener?.service.raw).toEqual({
    supervisord: [
      ['eventlistener', 'buffer_size', '20'],
      ['eventlistener', 'events', 'TICK_5,EVENT'],
    ],
  });
  expect(cgi?.service.raw).toEqual({
    supervisord: [
      ['fcgi-program', 'socket', 'unix:///tmp/f-50%%.sock'],
      ['fcgi-program', 'socket_mode', '0770'],
    ],
  });
});
