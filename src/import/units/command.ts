import { whyNotCarried } from '../../supervisors/systemd/escape.ts';
import { execStart } from '../../supervisors/systemd/exec.ts';
import { isStraight, withoutSpecifiers } from './environment.ts';
import type { Lines } from './lines.ts';
import { commandsIn } from './words.ts';

/**
 * The one command of an Exec directive (`Service.ExecStart`), where it is one that our word for it makes again: a program
 * and its arguments, without signs before it, specifiers and variables. All else stays as lines.
 */
export function commandOf(lines: Lines, name: string, ownPath: boolean): readonly string[] | undefined {
  const list = lines.list(name);
  const argv = list.length === 1 ? plainCommand(list[0]?.value ?? '', ownPath) : undefined;
  const [section = '', key = ''] = name.split('.');
  lines.replace([name], argv === undefined ? list.map(({ value }) => [section, key, value]) : []);
  return argv;
}

function plainCommand(value: string, ownPath: boolean): readonly string[] | undefined {
  const [command, ...more] = commandsIn(value) ?? [];
  if (command === undefined || more.length > 0 || command.signs !== '') return undefined;
  const argv: string[] = [];
  for (const [i, written] of command.argv.entries()) {
    const text = withoutSpecifiers(written);
    // The program is taken as it stands; a variable in it is none.
    const plain = i === 0 ? text : text === undefined ? undefined : withoutVariables(text);
    if (plain === undefined || whyNotCarried(plain) !== undefined) return undefined;
    argv.push(plain);
  }
  const [program = ''] = argv;
  // What needs a wrapper would be another command.
  if (!execStart(argv, '/', ownPath).startsWith(`"${program.replaceAll('%', '%%')}"`)) return undefined;
  if (program.includes('/') && !(program.startsWith('/') && isStraight(program))) return undefined;
  return argv;
}

function withoutVariables(text: string): string | undefined {
  return text.replaceAll('$$', '').includes('$') ? undefined : text.replaceAll('$$', '$');
}
