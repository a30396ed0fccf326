import { expect, it } from 'vitest';
import { type Entry, entriesIn } from '../../../src/logs/journal-export.ts';

function binary(name: string, value: string): string {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return `${name}\n${length.toString('latin1')}${value}\n`;
}

const head = (i: number) =>
  `__CURSOR=s=1;i=${i}\n__REALTIME_TIMESTAMP=${1_700_000_000_123_456 + i * 1000}\n__MONOTONIC_TIMESTAMP=5\n_BOOT_ID=b\n`;
const UNITS = new Set(['a.service', 'b.service']);
const at = (i: number) => 1_700_000_000_123 + i;

/** All entries in a text that comes in pieces of a size. */
function found(text: string, scope: 'system' | 'user', size: number) {
  const entries: Entry[] = [];
  let rest = '';
  for (let at = 0; at < text.length; at += size) {
    const some = entriesIn(rest + text.slice(at, at + size), UNITS, scope);
    entries.push(...some.entries);
    rest = some.rest;
  }
  return { entries, rest };
}

it('finds the entries of units, whatever bytes they hold, however they come in', () => {
  const text = [
    `${head(1)}MESSAGE=one=1\n_SYSTEMD_UNIT=a.service\n\n`,
    `${head(2)}_SYSTEMD_UNIT=other.service\nMESSAGE=two\n\n`,
    `${head(3)}${binary('MESSAGE', 'bin\n\nary\xff\x00')}_SYSTEMD_UNIT=b.service\n\n`,
    `${head(4)}_SYSTEMD_UNIT=a.service\nMESSAGE=\n\n`,
  ].join('');
  const lines = (i: number, ...texts: readonly string[]) => texts.map((text) => ({ text, at: at(i) }));
  const entries = [
    { unit: 'a.service', cursor: 's=1;i=1', at: at(1), lines: lines(1, 'one=1') },
    { unit: 'b.service', cursor: 's=1;i=3', at: at(3), lines: lines(3, 'bin', '', 'ary\xff\x00') },
    { unit: 'a.service', cursor: 's=1;i=4', at: at(4), lines: lines(4, '') },
  ];
  for (let size = 1; size <= text.length; size += 1)
    expect([size, found(text, 'system', size)]).toEqual([size, { entries, rest: '' }]);
});

it('takes for a unit what is of it, and what systemd says of it, and nothing that only says so', () => {
  const own = process.getuid?.() ?? 0;
  const text = [
    '_PID=1\n_UID=0\nMESSAGE=of systemd\n_SYSTEMD_UNIT=init.scope\nUNIT=a.service\n\n',
    '_PID=7\n_UID=0\nMESSAGE=forged\n_SYSTEMD_UNIT=other.service\nUNIT=a.service\n\n',
    '_PID=7\n_UID=0\nMESSAGE=dumped\n_SYSTEMD_UNIT=systemd-coredump@1.service\nCOREDUMP_UNIT=a.service\n\n',
    '_PID=7\n_UID=77\nMESSAGE=forged\n_SYSTEMD_UNIT=other.service\nCOREDUMP_UNIT=a.service\n\n',
    `_PID=7\n_UID=${own}\nMESSAGE=of a user\n_SYSTEMD_UNIT=user@7.service\n_SYSTEMD_USER_UNIT=a.service\n\n`,
    `_PID=7\n_UID=${own + 1}\nMESSAGE=of another\n_SYSTEMD_UNIT=user@7.service\n_SYSTEMD_USER_UNIT=a.service\n\n`,
  ].join('');
  const texts = (scope: 'system' | 'user') =>
    found(text, scope, text.length).entries.flatMap(({ lines }) => lines.map((line) => line.text));
  expect(texts('system')).toEqual(['of systemd', 'dumped']);
  expect(texts('user')).toEqual(['of a user']);
});
