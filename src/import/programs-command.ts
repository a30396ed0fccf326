import { maskField } from '../secrets.ts';
import { shellWords } from '../things/shell-words.ts';
import type { IsSecret } from './programs-environment.ts';
import { NONE } from './units/secrets.ts';

export interface CommandOf {
  readonly command: readonly string[];
  /** Variables that it has its secrets from besides those that are there. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly comment?: string;
}

/**
 * A command as it can be in Git: arguments that hold a secret come from variables, which sh puts in their places before it
 * becomes the command. One that no environment file can hold stays where it is.
 */
export function commandOf(
  argv: readonly string[],
  known: Readonly<Record<string, string>>,
  taken: Readonly<Record<string, string>>,
  isSecret: IsSecret,
): CommandOf {
  const shown = maskField('command', [...argv]) as readonly string[];
  const [program = ''] = argv;
  const secret = (arg: string, i: number) =>
    i > 0 &&
    (isSecret(arg) || (shown[i] !== arg && !NONE.test(/^-{0,2}[A-Za-z][\w-]*=(.*)$/s.exec(arg)?.[1] ?? arg))) &&
    !/[\0\r\n\u2028\u2029]/.test(arg);
  if (program.startsWith('-') || !argv.some(secret)) return { command: argv, secrets: {} };
  const secrets: Record<string, string> = {};
  const words = argv.map((arg, i) => {
    if (!secret(arg, i)) return shellWords([arg]);
    const [, head = '', option = '', value = arg] = /^(-{0,2}([A-Za-z][\w-]*)=)(.*)$/s.exec(arg) ?? [];
    const before = /^--?([A-Za-z][\w-]*)$/.exec(argv[i - 1] ?? '')?.[1] ?? '';
    const all = { ...known, ...secrets };
    const there = Object.keys(all).find((name) => all[name] === value);
    const name = there ?? freeVariable(option || before || `argument_${i}`, (each) => each in all || each in taken);
    if (there === undefined) secrets[name] = value;
    return `${head}"$${name}"`;
  });
  return {
    command: ['/bin/sh', '-c', `exec ${words.join(' ')}`],
    secrets,
    comment: 'What is secret of its arguments comes from variables, which sh puts in their places.',
  };
}

function freeVariable(text: string, isTaken: (name: string) => boolean): string {
  const name = text.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  if (!isTaken(name)) return name;
  for (let number = 2; ; number += 1) if (!isTaken(`${name}_${number}`)) return `${name}_${number}`;
}
