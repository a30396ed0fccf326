import { existsSync, realpathSync } from 'node:fs';
import type { Change } from '../../capture/make.ts';
import { checkWritable, undoChanges, writeChanges } from '../../capture/write.ts';
import type { Config } from '../../config.ts';
import type { Recorded, ToRecord } from '../../git/record.ts';
import { workTreeOf } from '../../git/worktree.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';

/** Where an edit is to be written, once it has been looked at. */
export interface Keeper {
  /** Writes it, and commits it where that was asked for: all of it or nothing. */
  write(): Promise<Recorded | undefined>;
  /** How to commit it by hand; none where it is no work tree. */
  readonly commands: readonly string[];
}

/** Fails, before anything is shown, where it could not be committed as was asked for. */
export async function keeperOf(
  { config }: Pick<Context, 'config'>,
  { record: wanted = false, message: given, dryRun }: Options,
  changes: readonly Change[],
  subject: string,
): Promise<Keeper> {
  const { checkRecordable, record } = await import('../../git/record.ts');
  const message = given ?? subject;
  const files = changes.map(({ real, from }) => ({ real, isNew: from === undefined }));
  const what: ToRecord = { folder: config.desiredState, files };
  const isHere = wanted && changes.length > 0 && config.git === undefined;
  if (config.git === undefined && dryRun !== true) checkWritable(changes);
  const tree = isHere ? await checkRecordable(what) : undefined;
  if (given !== undefined && !wanted)
    throw new Failure({ code: 'usage', summary: 'cannot use --message without --commit', hint: 'add --commit' });
  return {
    async write() {
      writeChanges(changes);
      if (tree === undefined) return undefined;
      try {
        return await record(tree, what, message);
      } catch (error) {
        if (error instanceof Failure) throw undone(error, changes);
        throw error;
      }
    },
    commands: commandsFor(config, changes, message),
  };
}

function undone(error: Failure, changes: readonly Change[]): Failure {
  const left = undoChanges(changes).map(({ path }) => path);
  const what =
    left.length === 0
      ? 'the files are as they were before'
      : `${left.join(', ')} has been changed by a hook, and is left as it is now`;
  const [problem, ...others] = error.problems;
  if (problem === undefined) return error;
  return new Failure({ ...problem, summary: `${problem.summary}; ${what}` }, ...others);
}

function commandsFor({ desiredState }: Config, changes: readonly Change[], message: string): readonly string[] {
  if (workTreeOf(desiredState) === undefined) return [];
  const git = `git -C ${word(desiredState)}`;
  const root = existsSync(desiredState) ? realpathSync(desiredState) : desiredState;
  const named = changes.map(({ real }) => (real.startsWith(`${root}/`) ? real.slice(root.length + 1) : real));
  const files = named.map((name) => word(name)).join(' ');
  return [`${git} add ${files}`, `${git} commit -m ${word(message, true)}`];
}

/** One word for a shell. */
export function word(text: string, quoted = false): string {
  return !quoted && /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}
