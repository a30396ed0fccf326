import { expect, test, vi } from 'vitest';
import { EXAMPLES, NOTES } from '../../../src/cli/examples.ts';
import { GROUPS } from '../../../src/cli/help-groups.ts';
import { program } from '../../../src/cli/main.ts';

const commands = program(async () => undefined).commands.map((command) => command.name());

test('every command has examples, and every example a command', () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(['reconcile', ...commands].sort());
  for (const [command, examples] of Object.entries(EXAMPLES)) expect(examples, command).not.toEqual([]);
  expect(Object.keys(NOTES).filter((name) => name !== 'reconcile' && !commands.includes(name))).toEqual([]);
});

test('every command stands under one heading of the help of all', () => {
  expect(Object.values(GROUPS).flat()).toEqual(commands);
});

test('every example is a command line that is taken', async () => {
  for (const [command, examples] of Object.entries(EXAMPLES))
    for (const [line] of examples) {
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      if (words.includes('>')) words.length = words.indexOf('>');
      expect(words.slice(0, command === 'reconcile' ? 1 : 2), line).toEqual(
        command === 'reconcile' ? ['reconcile'] : ['reconcile', command],
      );
      let taken = 0;
      const top = program(async () => {
        taken += 1;
      });
      const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      await top.parseAsync(['node', ...words]);
      // It prints what it is asked for by itself.
      if (command === 'completion') taken += write.mock.calls.length;
      write.mockRestore();
      expect(taken, line).toBe(1);
    }
});

test('the help of a command shows its examples, the help of all the first of each', () => {
  const top = program(async () => undefined);
  const helpOf = (name: string) => {
    const command = name === 'reconcile' ? top : top.commands.find((one) => one.name() === name);
    let text = '';
    command?.configureOutput({ writeOut: (more) => (text += more) });
    command?.outputHelp();
    return text;
  };
  for (const name of commands) {
    const own = helpOf(name);
    for (const [line, what] of EXAMPLES[name] ?? []) {
      expect(own).toMatch(new RegExp(`^  ${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(  |$)`, 'm'));
      expect(own).toContain(`  ${what}\n`);
    }
    expect(helpOf('reconcile')).toContain(EXAMPLES[name]?.[0]?.[0]);
  }
  expect(helpOf('plan')).toBe(`\
${helpOf('plan').split('\nExamples:')[0]}
Examples:
  reconcile plan --out friday.json  a plan to look at, and to apply with \`reconcile apply\`
  reconcile plan --only web         of one service alone, to look at
  reconcile plan --restart-staged   as if what waits for its next start took effect now
`);
  expect(helpOf('reconcile')).toMatch(/\nExit codes: 0 nothing to do or done, .*\n$/);
});
