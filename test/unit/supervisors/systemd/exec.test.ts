import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { execStart } from '../../../../src/supervisors/systemd/exec.ts';
import { commandLine } from './parse.ts';

it.each([
  [['/bin/x', 'a b'], '"/bin/x" "a b"'],
  [['/opt/a b/é%x'], '"/opt/a b/é%%x"'],
  [['./run', '$A'], '"/srv/run" "$$A"'],
  [['../x=y'], '"/x=y"'],
  [['x'], '"x"'],
])('leaves %j to systemd', (command, line) => {
  expect(execStart(command, '/srv', false)).toBe(line);
});

it.each([
  [["/opt/it's"], '"/usr/bin/env" "--" "/opt/it\'s"'],
  [['/opt/a$b', 'c'], '"/usr/bin/env" "--" "/opt/a$$b" "c"'],
  [['/opt/a\\b'], '"/usr/bin/env" "--" "/opt/a\\\\b"'],
  [['/opt/a\tb'], '"/usr/bin/env" "--" "/opt/a\\tb"'],
  [['-x'], '"/usr/bin/env" "--" "-x"'],
  [[';'], '"/usr/bin/env" "--" ";"'],
  [['-', '--'], '"/usr/bin/nice" "-n" "0" "--" "-" "--"'],
  [['a=b'], '"/usr/bin/nice" "-n" "0" "--" "a=b"'],
])('has %j run by another program', (command, line) => {
  expect(execStart(command, '/srv', false)).toBe(line);
});

it('has a name looked up in the PATH that is declared', () => {
  expect(execStart(['x', 'y'], '/srv', true)).toBe('"/usr/bin/env" "--" "x" "y"');
  expect(execStart(['./x'], '/srv', true)).toBe('"/srv/x"');
});

it('never gives systemd a path that it refuses, and never another program', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter((text) => !text.includes('\0') && text.isWellFormed());
  fc.assert(
    fc.property(fc.constantFrom('', '/', './'), name, fc.array(name), fc.boolean(), (start, program, args, own) => {
      const command = [`${start}${program}`, ...args];
      const line = commandLine(execStart(command, '/srv', own));
      const [wrapper, ...rest] = line;
      expect(line.slice(line.length - args.length)).toEqual(args);
      const asked = program.includes('/') || start !== '' ? resolve('/srv', `${start}${program}`) : program;
      expect(resolve('/', [wrapper, ...rest].at(-args.length - 1) ?? '')).toBe(resolve('/', asked));
      if (line.length > command.length) expect(['/usr/bin/env', '/usr/bin/nice']).toContain(wrapper);
    }),
  );
});
