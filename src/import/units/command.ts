import type { Json } from '../../canonical.ts';
import { whyNotCarried } from '../../supervisors/systemd/escape.ts';
import { execStart } from '../../supervisors/systemd/exec.ts';
import { isStraight, withoutSpecifiers } from './environment.ts';
import type { Lines } from './lines.ts';
import { commandsIn } from './words.ts';

/**
 * The command, where it is one that our word for it makes again: a program and its arguments, without signs before it,
 * specifiers and variables. All else stays as lines of ExecStart; then there is no `command`.
 */
export function commandOf(lines: Lines, ownPath: boolean): readonly string[] | undefined {
  const list = lines.list('Service.ExecStart');
  const asLines = () => {
    lines.replace(
      ['Service.ExecStart'],
      list.map(({ value }) => ['Service', 'ExecStart', value]),
    );
    return undefined;
  };
  const [only, ...others] = list;
  if (only === undefined || others.length > 0) return asLines();
  const [command, ...more] = commandsIn(only.value) ?? [];
  if (command === undefined || more.length > 0 || command.signs !== '') return asLines();
  const argv: string[] = [];
  for (const [i, written] of command.argv.entries()) {
    const text = withoutSpecifiers(written);
    // The program is taken as it stands; a variable in it is none.
    const plain = i === 0 ? text : text === undefined ? undefined : withoutVariables(text);
    if (plain === undefined || whyNotCarried(plain) !== undefined) return asLines();
    argv.push(plain);
  }
  const [program = ''] = argv;
  // What needs a wrapper would be another command.
  if (!execStart(argv, '/', ownPath).startsWith(`"${program.replaceAll('%', '%%')}"`)) return asLines();
  if (program.includes('/') && !(program.startsWith('/') && isStraight(program))) return asLines();
  lines.take('Service.ExecStart');
  return argv;
}

function withoutVariables(text: string): string | undefined {
  return text.replaceAll('$$', '').includes('$') ? undefined : text.replaceAll('$$', '$');
}

/** A command of which an argument looks secret. */
export function looksSecret(command: readonly string[], mask: (value: Json) => Json | undefined): boolean {
  return JSON.stringify(mask([...command])) !== JSON.stringify(command);
}
