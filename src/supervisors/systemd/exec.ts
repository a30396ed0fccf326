import { isAbsolute, join } from 'node:path';
import { launcherFor } from '../shared/programs.ts';
import { quoteArgument } from './escape.ts';

/** A bare name that systemd looks up as it stands; others may begin with what means something to it (`-@:+!|`). */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/;
/** What a path of an executable can't hold, even quoted; `$` would be expanded in the first argument only. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const UNSAFE_PATH = /["'\\$\x01-\x1f\x7f]/;

/**
 * The value of ExecStart=. A relative path is below the directory; a bare name is left to systemd, whose own PATH is the
 * fixed one. What systemd can't run itself, env runs: it looks a name up in the service's PATH and changes nothing.
 */
export function execStart(command: readonly string[], directory: string, ownPath: boolean): string {
  const [written = '', ...rest] = command;
  const named = !written.includes('/');
  const program = named || isAbsolute(written) ? written : join(directory, written);
  const native = named ? !ownPath && SAFE_NAME.test(program) : !UNSAFE_PATH.test(program);
  const wrapper = native ? [] : launcherFor(program);
  return [...wrapper, program, ...rest].map(quoteArgument).join(' ');
}
