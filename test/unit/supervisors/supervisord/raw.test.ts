import { describe, expect, it } from 'vitest';
import { fileOf, type RawLine, raw, refused, service } from './make.ts';

const no = (...lines: RawLine[]) => refused(service(raw(...lines)));

it('passes lines on as they stand, in their order', () => {
  const lines = raw(['program', 'priority', 1], ['program', 'exitcodes', '0,2'], ['program', 'PRIORITY', 2]);
  const { text } = fileOf(service({ ...lines, restart: { policy: 'on-failure' } }));
  expect(text).toContain('\npriority=1\nexitcodes=0,2\npriority=2\n');
  expect(text.match(/^exitcodes=/gm)).toHaveLength(1);
});

it('refuses what supervisord would ignore without a word', () => {
  expect(no(['program', 'rlimit_as', '2GB'])[0]).toMatch(
    /^raw\.supervisord\.0: supervisord knows no option 'rlimit_as', and/,
  );
  expect(no(['program', 'priorty', 5])).toEqual([
    "raw.supervisord.0: supervisord knows no option 'priorty', and would ignore it without a word (did you mean priority?)",
  ]);
  expect(no(['program', '__proto__', 5])).toHaveLength(1);
});

it('refuses what a field says, and what names a program', () => {
  expect(no(['program', 'autostart', false])).toEqual([
    'raw.supervisord.0: autostart is what `autostart` says (write `autostart`)',
  ]);
  expect(no(['program', 'NumProcs', 3])).toEqual([
    'raw.supervisord.0: numprocs is what `instances` says (write `instances`)',
  ]);
  expect(no(['program', 'process_name', 'x'])).toHaveLength(1);
  expect(no(['supervisord', 'user', 'x'], ['group:x', 'programs', 'web'])).toHaveLength(2);
});

it.each([
  ['priority', 'high'],
  ['priority', '1 ; 2'],
  ['exitcodes', '0,256'],
  ['stdout_syslog', 'maybe'],
  ['stderr_capture_maxbytes', '1TB'],
  ['stdout_events_enabled', 'true\ncommand=/bin/false'],
])('refuses a value that fails the whole configuration: %s=%j', (key, value) => {
  expect(no(['program', key, value])).toHaveLength(1);
});

it('passes on what a field has no word for', () => {
  const said = (written: Parameters<typeof service>[0], ...lines: RawLine[]) =>
    refused(service({ ...written, ...raw(...lines) }));
  expect(no(['program', 'stopsignal', 'SIGWINCH'])).toEqual([]);
  expect(no(['program', 'stopsignal', 'TERM'])[0]).toContain('stopsignal is what `stop.signal` says');
  expect(no(['program', 'stopsignal', 'NOPE'])).toHaveLength(1);
  expect(said({ stop: { tree: false } }, ['program', 'killasgroup', true])).toEqual([]);
  expect(said({ stop: { tree: true } }, ['program', 'killasgroup', true])).toHaveLength(1);
  expect(said({ stop: { tree: false } }, ['program', 'killasgroup', false])).toHaveLength(1);
  const sizes: RawLine[] = [
    ['program', 'stderr_logfile_maxbytes', '1MB'],
    ['program', 'stderr_logfile_backups', 0],
  ];
  expect(said({}, ...sizes)).toEqual([]);
  expect(said({ logs: { stdout: '/tmp/a', stderr: '/tmp/a' } }, ...sizes)).toHaveLength(2);
  expect(said({ logs: { stderr: '/dev/null' } }, ...sizes)).toHaveLength(2);
  expect(no(['program', 'stdout_logfile_maxbytes', '1MB'])).toHaveLength(1);
  expect(no(['program', 'exitcodes', ''])).toEqual([]);
});

describe('a section of another kind', () => {
  const listener: RawLine[] = [
    ['eventlistener', 'events', 'TICK_5, process_state_exited'],
    ['eventlistener', 'buffer_size', 20],
  ];
  const fcgi: RawLine[] = [['fcgi-program', 'socket', 'unix:///run/x.sock']];

  it('is what its lines say', () => {
    expect(fileOf(service(raw(...listener, ['program', 'priority', 5]))).text).toContain('\n[eventlistener:web]\n');
    expect(fileOf(service(raw(...fcgi, ['fcgi-program', 'socket_mode', '0770']))).text).toMatch(
      /\n\[fcgi-program:web\]\n(.+\n)*socket=unix:\/\/\/run\/x\.sock\nsocket_mode=0770\n/,
    );
  });

  it('is one, and has what it needs', () => {
    expect(no(...listener, ...fcgi)).toHaveLength(1);
    expect(no(['eventlistener', 'buffer_size', 5])).toEqual([
      'raw.supervisord: an eventlistener has to have events (write [eventlistener, events, …])',
    ]);
    expect(no(['eventlistener', 'events', 'TICK_7'])).toHaveLength(1);
    expect(no(['eventlistener', 'events', ''])).toHaveLength(1);
    expect(no(['fcgi-program', 'socket', 'tcp://localhost:9000'], ['fcgi-program', 'socket_owner', 'root'])).toEqual([
      'raw.supervisord: only a UNIX socket has an owner and a mode (leave them out)',
    ]);
    expect(no(...fcgi, ['fcgi-program', 'socket_backlog', 65536])).toHaveLength(1);
  });

  it('of a listener speaks on its output', () => {
    const logs = { stdout: '/tmp/a', stderr: '/tmp/a' };
    expect(fileOf(service({ ...raw(...listener), logs })).text).toContain('\nstderr_logfile=/tmp/a\n');
    expect(fileOf(service({ ...raw(...fcgi), logs })).text).toContain('\nredirect_stderr=true\n');
  });
});
