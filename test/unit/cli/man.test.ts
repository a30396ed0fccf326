import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../../src/cli/examples.ts';
import { program } from '../../../src/cli/main.ts';
import { manPages, roff } from '../../../src/cli/man.ts';

const top = program(async () => undefined);
const pages = manPages(top, '1.2.3');
const hasGroff = spawnSync('groff', ['--version']).status === 0;

/** As it is read on a terminal. */
function rendered(name: string): string {
  const options = ['-man', '-ww', '-Tascii', '-rLL=200n', '-P-cbou'];
  const { stdout, stderr, status } = spawnSync('groff', options, { input: pages.get(name) ?? '', encoding: 'utf8' });
  expect([name, status, stderr]).toEqual([name, 0, '']);
  return stdout.replace(/ +/g, ' ');
}

describe('man pages', () => {
  it('are there for the tool and every command', () => {
    const commands = top.commands.map((command) => `reconcile-${command.name()}.1`);
    expect([...pages.keys()]).toEqual(['reconcile.1', ...commands]);
    for (const command of commands) expect(pages.get('reconcile.1')).toContain(roff(command.replace('.1', '')));
  });

  it('have a name by which apropos finds them, and every option, example and exit code', () => {
    for (const command of top.commands) {
      const text = pages.get(`reconcile-${command.name()}.1`) ?? '';
      expect(text).toMatch(/^\.SH NAME\nreconcile\\-[\\a-z-]+ \\- [^\n]*[^.\n]\n\.SH SYNOPSIS$/m);
      for (const { flags } of command.options) expect(text).toContain(`\n\\fB${roff(flags)}\\fR\n`);
      for (const [line, what] of EXAMPLES[command.name()] ?? [])
        expect(text).toContain(`.TP\n\\fB${roff(line)}\\fR\n${roff(what)}\n`);
      expect(text).toContain('.SH EXIT STATUS\n.TP\n\\fB0\\fR\n');
    }
    const ofDaemon = pages.get('reconcile-daemon.1');
    expect(ofDaemon).toContain(`\\fB${roff('--state-dir <dir>')}\\fR`);
    expect(ofDaemon).not.toContain(`\\fB${roff('--dry-run')}\\fR`);
  });

  it('take nothing that is text for a request of roff', () => {
    for (const [name, text] of pages)
      for (const line of text.split('\n'))
        if (/^[.']/.test(line))
          expect([name, line]).toEqual([name, expect.stringMatching(/^\.(\\"|TH|SH|SS|TP|PP|B )/)]);
    expect(roff(".a 'b' `c` \\d --e ~/f")).toBe('\\&.a \\(aqb\\(aq \\(gac\\(ga \\ed \\-\\-e \\(ti/f');
  });

  it.skipIf(!hasGroff)('are rendered without a warning, and say what was typed', () => {
    for (const name of pages.keys()) rendered(name);
    const stop = rendered('reconcile-stop.1');
    expect(stop).toContain("reconcile stop 'dolphin:*' --reason 'disk swap'\n");
    expect(stop).toContain('reconcile stop [OPTION]... [NAME...]\n');
    expect(rendered('reconcile.1')).toContain('reconciled 1.2.3');
  });
});
