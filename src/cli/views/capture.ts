import type { Json } from '../../canonical.ts';
import type { FileChange } from '../../model.ts';
import type { Style } from '../style.ts';
import { diffLines } from './plan-files.ts';

/** What is written back to Git's files, or would be. */
export interface Capture {
  readonly changes: readonly FileChange[];
  /** What of each service can't be written there, in words. */
  readonly left: readonly { readonly service: string; readonly what: string }[];
  readonly written: boolean;
  /** How to commit it; absent where it is not written. */
  readonly commands: readonly string[];
  readonly committed: { readonly commit: string; readonly branch: string } | undefined;
}

export function captureText({ changes, left, written, commands, committed }: Capture, style: Style): string {
  const diffs = changes.flatMap((change) => [...diffLines(change, style), '']);
  const open = left.map(({ service, what }) => `${service}: not carried: ${what}`);
  const end =
    changes.length === 0
      ? ['Nothing to write: what runs is as Git says, as far as it can say it.']
      : committed !== undefined
        ? [`Committed ${committed.commit.slice(0, 12)} on ${committed.branch}.`]
        : written
          ? [commands.length === 0 ? 'Written.' : 'Written. To keep it:', ...commands.map((command) => `  ${command}`)]
          : ['Nothing was written.'];
  return `${[...diffs, ...open, ...(open.length > 0 ? [''] : []), ...end].join('\n')}\n`;
}

export function captureJson({ changes, left, written, commands, committed }: Capture): Json {
  return {
    written,
    files: changes.map(({ path, from = '', to = '' }) => ({ path, from, to })),
    left: left.map(({ service, what }) => ({ service, what })),
    commands: [...commands],
    commit: committed === undefined ? null : { id: committed.commit, branch: committed.branch },
  };
}
