import { expect, it } from 'vitest';
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
