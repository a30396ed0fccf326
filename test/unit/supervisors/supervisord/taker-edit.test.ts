import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../../src/supervisors/supervisord/config-file.ts';
import { giveAutostart, takeAutostart, takenLinesIn } from '../../../../src/supervisors/supervisord/taker-edit.ts';

const TAKEN = { owner: 'default', by: 'trader', enabled: true, ran: true };
const MARK = '; reconciled v1 superseded owner=default by=trader enabled=true ran=true: ';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-taker-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, 'supervisord.conf');
const text = () => readFileSync(path(), 'latin1');

/** Takes a program, as its configuration is read. */
function take(before: string, program = 'web'): string {
  writeFileSync(path(), before, 'latin1');
  return again(program);
}
function again(program = 'web'): string {
  const read = readConfig(path());
  const section = read.sections.get(`program:${program}`);
  if (section === undefined) throw new Error(`no program ${program}`);
  takeAutostart(section, read.defaults, TAKEN);
  return text();
}
function give(owner = 'default', program = 'web'): string {
  giveAutostart(path(), `program:${program}`, owner);
  return text();
}
const autostartOf = (program = 'web') =>
  readConfig(path())
    .groups.flatMap(({ programs }) => programs)
    .find(({ name }) => name === program)?.options.autostart;

describe('taking autostart from a program', () => {
  it('replaces the line that says it, and keeps it in a comment above', () => {
    const before = '[supervisord]\n[program:web]\ncommand=a\nautostart = TRUE ; at boot\n\n[program:b]\ncommand=b\n';
    const after = take(before);
    expect(after).toBe(
      before.replace('autostart = TRUE ; at boot', `${MARK}autostart = TRUE ; at boot\nautostart=false`),
    );
    expect([autostartOf(), autostartOf('b')]).toEqual([false, true]);
    expect(takenLinesIn(after)).toEqual([
      { taken: TAKEN, original: 'autostart = TRUE ; at boot', line: 4, section: 'program:web', intact: true },
    ]);
    expect(give()).toBe(before);
  });

  it('writes it below the head of a section that says nothing, as deep as what follows', () => {
    const before = '[supervisord]\r\n[program:web] what is this\r\n  # why\r\n  command=a\r\n  priority=1\r\n';
    const after = take(before);
    expect(after).toBe(before.replace('  # why', `  ${MARK}\r\n  autostart=false\r\n  # why`));
    expect(autostartOf()).toBe(false);
    expect(give()).toBe(before);
  });

  it('leaves what [DEFAULT] says to all', () => {
    const before = '[DEFAULT]\nautostart=true\n[supervisord]\n[program:web]\ncommand=a\n[program:b]\ncommand=b\n';
    take(before);
    expect([autostartOf(), autostartOf('b')]).toEqual([false, true]);
    expect(give()).toBe(before);
  });

  it('changes the last of several lines: that is the one that counts', () => {
    const before = '[supervisord]\n[program:web]\nautostart=false\ncommand=a\n[x]\n[program:web]\nAutoStart: yes\n';
    expect(take(before)).toBe(before.replace('AutoStart: yes', `${MARK}AutoStart: yes\nautostart=false`));
    expect(give()).toBe(before);
  });

  it('keeps a file without a last line end, and bytes that are no UTF-8', () => {
    const before = '[supervisord]\n[program:web]\ncommand=caf\u00c3\u00a9\nautostart=1';
    expect(take(before)).toBe(`${before.replace('autostart=1', `${MARK}autostart=1`)}\nautostart=false`);
    expect(give()).toBe(before);
  });

  it('refuses what it would change more by', () => {
    const before = '[supervisord]\n[program:web]\ncommand=a\nautostart=\n  true\n';
    expect(() => take(before)).toThrow(
      `cannot take autostart from program:web: ${path()}:4 can't be changed without changing more`,
    );
    expect(text()).toBe(before);
  });

  it('takes it again where somebody has given it back by hand, and knows what was there first', () => {
    const before = '[supervisord]\n[program:web]\ncommand=a\nautostart=yes\n';
    const after = take(before);
    writeFileSync(path(), after.replace('autostart=false', 'autostart=true'));
    expect(takenLinesIn(text())).toMatchObject([{ intact: false }]);
    expect(again()).toBe(after);
    expect(give()).toBe(before);
  });

  it('leaves what somebody has written in its place meanwhile', () => {
    const after = take('[supervisord]\n[program:web]\ncommand=a\nautostart=yes\n');
    writeFileSync(path(), after.replace('autostart=false', 'autostart=unexpected'));
    expect(give()).toBe('[supervisord]\n[program:web]\ncommand=a\nautostart=unexpected\n');
  });

  it("gives back only what this owner has taken of this program's", () => {
    const before = '[supervisord]\n[program:web]\ncommand=a\nautostart=yes\n[program:b]\ncommand=b\n';
    take(before);
    const both = again('b');
    expect(give('other')).toBe(both);
    give('default', 'b');
    expect(takenLinesIn(text()).map(({ section }) => section)).toEqual(['program:web']);
    expect(give()).toBe(before);
  });
});

it('gives any file back byte for byte, and changes one option of one program alone', () => {
  const line = fc.constantFrom(
    'autostart=true',
    'autostart = no ;x',
    '  autostart=on',
    'command=a',
    '  command=b ; c',
    'environment=A="1",',
    '    B="2"',
    '; comment',
    '#autostart=true',
    '',
    '[program:other]',
    '[program:web]',
    '\tpriority: 5',
  );
  const file = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), fc.boolean());
  let changed = 0;
  fc.assert(
    fc.property(file, ([lines, end, ends]) => {
      const before = `[supervisord]${end}[program:web]${end}command=x${end}${lines.join(end)}${ends ? end : ''}`;
      let after: string;
      try {
        after = take(before);
      } catch {
        expect(text()).toBe(before);
        return;
      }
      changed += 1;
      expect(autostartOf()).toBe(false);
      expect(takenLinesIn(after)).toMatchObject([{ section: 'program:web', intact: true }]);
      expect(give()).toBe(before);
    }),
    { numRuns: 400 },
  );
  expect(changed).toBeGreaterThan(300);
});
