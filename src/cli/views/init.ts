import type { Json } from '../../canonical.ts';
import { unreachable } from '../../problem.ts';
import type { Style } from '../style.ts';

/** What was, or would be, written into a folder, and what to do next. */
export interface Begun {
  readonly folder: string;
  readonly done: boolean;
  readonly files: readonly { readonly path: string; readonly what: 'written' | 'renewed' | 'same' | 'kept' }[];
  readonly next: readonly { readonly command: string; readonly what: string }[];
}

export function initText({ folder, done, files, next }: Begun, style: Style): string {
  const lines = files.map((file) => `  ${fileLine(file, style)}`);
  const nothing = files.every(({ what }) => what === 'same' || what === 'kept');
  const head = nothing ? `Nothing to write in ${folder}:` : done ? `Wrote to ${folder}:` : `Would write to ${folder}:`;
  const wide = Math.max(...next.map(({ command }) => (command.length > WIDE ? 0 : command.length)), 0);
  const then = next.map(({ command, what }) =>
    command.length > WIDE || what === '' ? `  ${command}` : `  ${command.padEnd(wide)}  ${style.dim(`# ${what}`)}`,
  );
  return `${[head, ...lines, ...(then.length === 0 ? [] : ['', 'Next:', ...then])].join('\n')}\n`;
}

/** A command longer than this has no words beside it. */
const WIDE = 60;

/** The same for programs. */
export function initJson({ folder, done, files, next }: Begun): Json {
  return {
    folder,
    done,
    files: files.map(({ path, what }) => ({ path, what })),
    next: next.map(({ command, what }) => ({ command, what })),
  };
}

function fileLine({ path, what }: Begun['files'][number], style: Style): string {
  switch (what) {
    case 'written':
      return style.green(`+ ${path}`);
    case 'renewed':
      return style.yellow(`~ ${path}`);
    case 'same':
      return style.dim(`  ${path}  is there already`);
    case 'kept':
      return `  ${path}  is another one, and stays as it is`;
    default:
      return unreachable(what);
  }
}
