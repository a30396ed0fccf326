import { expect, it } from 'vitest';
import { readUnitText } from '../../../../src/import/units/text.ts';

const read = (text: string | Buffer) => readUnitText('/etc/systemd/system/a.service', text);
const lines = (text: string | Buffer) => read(text).lines.map(({ section, key, value }) => [section, key, value]);
const ignored = (text: string | Buffer) => read(text).ignored.map(({ key, value, why }) => [key, value, why]);

it('joins what a backslash continues, comments between left out', () => {
  expect(lines('[Service]\nExecStart=/bin/a \\\n  # not this\n ; nor this\n\t--b \\\\\n')).toEqual([
    ['Service', 'ExecStart', '/bin/a  \t--b \\\\'],
  ]);
  expect(lines('[Service]\nExecStart=/bin/a \\\n\nNice=3\n')).toEqual([
    ['Service', 'ExecStart', '/bin/a'],
    ['Service', 'Nice', '3'],
  ]);
  // At the end of a file there is nothing to continue with.
  expect(lines('[Service]\nExecStart=/bin/a \\')).toEqual([['Service', 'ExecStart', '/bin/a']]);
});

it('takes every end of a line, a byte order mark, and white space around anything', () => {
  expect(lines('\ufeff[Unit]\r\n  Description = a  b \t\r\n\r[Service]\rNice= 3')).toEqual([
    ['Unit', 'Description', 'a  b'],
    ['Service', 'Nice', '3'],
  ]);
});

it('keeps order, repetition and what takes a list back', () => {
  expect(lines('[Service]\nExecStart=a\nExecStart=\n[Unit]\nAfter=b\n[Service]\nExecStart=c=d\n')).toEqual([
    ['Service', 'ExecStart', 'a'],
    ['Service', 'ExecStart', ''],
    ['Unit', 'After', 'b'],
    ['Service', 'ExecStart', 'c=d'],
  ]);
});

it('tells where a line begins, with what looks secret masked', () => {
  const text = '# a\n[Service]\n  Environment="PASSWORD=hush" \\\n A=1\n';
  expect(read(text).lines[0]?.at).toEqual({
    file: '/etc/systemd/system/a.service',
    line: 3,
    column: 3,
    length: 28,
    excerpt: '  Environment="PASSWORD=***" \\',
  });
});

it('says what systemd passes over', () => {
  expect(ignored('A=1\n[Socket]\nListenStream=80\n[X-Own]\nB=2\n[Unit]\nno assignment\n')).toEqual([
    ['A', '1', 'it stands before the first section, so systemd passes over it'],
    ['[Socket] ListenStream', '80', 'systemd passes over the section [Socket] of a service'],
    ['[X-Own] B', '2', 'systemd passes over the section [X-Own] of a service'],
    ['no assignment', undefined, "it has no '=', so systemd passes over it"],
  ]);
  const latin1 = Buffer.concat([
    Buffer.from('[Unit]\nDescription=caf'),
    Buffer.from([0xe9]),
    Buffer.from('\nAfter=b\n'),
  ]);
  expect(ignored(latin1)).toEqual([['line 2', undefined, 'it is no valid UTF-8, so systemd passes over it']]);
  expect(lines(latin1)).toEqual([['Unit', 'After', 'b']]);
});

it('reads no further than to a header that is none', () => {
  const { lines, broken } = read('[Unit]\nAfter=a\n[Service\nNice=3\n');
  expect(lines).toHaveLength(1);
  expect(broken).toMatchObject({ at: { line: 3 }, why: '[Service is no header of a section' });
});
