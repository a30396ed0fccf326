import { readAllFiles } from '../../capture/files-of.ts';
import { readLayer } from '../../capture/layers.ts';
import { type FieldChange, type Made, makeChanges } from '../../capture/make.ts';
import { shownChange } from '../../capture/shown.ts';
import { tryChanges } from '../../capture/trial.ts';
import { readWord } from '../../capture/words.ts';
import type { Config } from '../../config.ts';
import { definitionProblems } from '../../definitions.ts';
import { desiredOf } from '../../engine.ts';
import { commitOf } from '../../git/revision.ts';
import { shownUrl } from '../../git/run.ts';
import { workTreeOf } from '../../git/worktree.ts';
import { createMonitor } from '../../health/monitor.ts';
import type { Desired, Plan } from '../../model.ts';
import { Failure, type Problem } from '../../problem.ts';
import { openRegistry } from '../../supervisors/index.ts';
import { agreed } from '../agreed.ts';
import type { Context, Options } from '../context.ts';
import { type EditShown, editEnd, editJson, editText, titleOf } from '../views/edit.ts';
import { keeperOf } from './keep.ts';
import { nudged, person } from './lease.ts';
import { planFor } from './own-plan.ts';

/** `reconcile set NAME.FIELD=VALUE…`: writes fields to their files, all of them or none. */
export async function setCommand(context: Context, options: Options): Promise<number> {
  return edit(context, options, false);
}

/** `reconcile unset NAME.FIELD…`: removes fields from their files. */
export async function unsetCommand(context: Context, options: Options): Promise<number> {
  return edit(context, options, true);
}

async function edit(context: Context, options: Options, unset: boolean): Promise<number> {
  const { config, out, style, width } = context;
  const files = await readAllFiles(config);
  const asked = (options.names ?? []).map((word) => readWord(word, [...files.subjects.keys()], unset));
  const made = makeChanges(files, asked, readLayer(options.layer));
  const { changes, fields } = made;
  const desired = await tryChanges(
    config,
    changes,
    asked.map(({ shown, how }) => (how === 'unset' ? `unset ${shown}` : shown)),
  );
  await refuseUndefinable(config, desired, fields);
  const keeper = await keeperOf(context, options, changes, titleOf(fields, unset));
  const planned = changes.length === 0 ? undefined : await planOf(config, desired);
  const shown = shownOf(made, planned, config, keeper.commands);
  const isMirror = config.git !== undefined;
  const wants = changes.length > 0 && options.dryRun !== true && !isMirror;
  if (!options.json) out(editText(shown, { style, width }));
  if (wants && !options.json && process.stdin.isTTY && options.yes !== true && !(await agreed('Write this?')))
    throw new Failure({
      code: 'not-confirmed',
      summary: 'nothing was written: nobody has agreed to it',
      hint: 'answer `y`, or give --yes',
    });
  const committed = wants ? await keeper.write() : undefined;
  const done = { ...shown, written: wants, ...(committed === undefined ? {} : { committed }) };
  const daemon = wants && (await nudged(context, `${person()}: ${titleOf(fields, unset)}`));
  if (options.json) out(`${JSON.stringify(editJson(done), null, 2)}\n`);
  else out(editEnd({ ...done, daemon, committedOnly: desired.policy.written.worktree === 'committed-only' }));
  if (changes.length === 0) return 0;
  return options.dryRun === true ? 2 : isMirror ? 3 : 0;
}

function shownOf(
  { changes, fields, notes }: Made,
  planned: Plan | readonly Problem[] | undefined,
  config: Config,
  commands: readonly string[],
): EditShown {
  const { git } = config;
  return {
    changes: changes.map(shownChange),
    fields,
    notes: [
      ...notes,
      ...changes.flatMap(({ path, real, from }) =>
        from === undefined || real.endsWith(`/${path}`) ? [] : [`${path} is a link: ${real} is what is edited`],
      ),
    ],
    written: false,
    commands,
    ...(planned === undefined ? {} : 'steps' in planned ? { plan: planned } : { noPlan: planned }),
    ...(git === undefined
      ? {}
      : {
          elsewhere: {
            url: shownUrl({ url: git.url }),
            ...(git.ref === undefined ? {} : { ref: git.ref }),
            path: git.path ?? '',
          },
        }),
  };
}

/** What the next run would do, with this edit; or why that can't be told. */
async function planOf(config: Config, desired: Desired): Promise<Plan | readonly Problem[]> {
  try {
    const tree = config.git === undefined ? workTreeOf(config.desiredState) : undefined;
    const { commit } = tree === undefined ? {} : await commitOf(config.desiredState, tree);
    const revision = commit === undefined ? {} : { commit, dirty: true };
    const as = await desiredOf(config, { loaded: { kind: 'valid', desired }, revision });
    return await planFor(config, as, { only: [], claim: false, restartStaged: false });
  } catch (error) {
    if (error instanceof Failure) return error.problems;
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    return [{ code: 'system', summary: `cannot plan: ${(error as Error).message}` }];
  }
}

/** What its supervisor can't do for a service is as wrong as what is not valid. */
async function refuseUndefinable(config: Config, desired: Desired, fields: readonly FieldChange[]): Promise<void> {
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(
    desired.services.map(({ supervisor }) => supervisor),
    desired.instances,
  );
  const files = new Set(fields.map(({ file }) => file));
  const problems = await definitionProblems(desired, supervisors);
  const typed = fields.map(({ shown }) => shown).join(' ');
  const ours = problems.filter(({ at, file }) => files.has(at?.file ?? file ?? ''));
  if (ours.length > 0)
    throw new Failure(...ours.map((problem) => ({ ...problem, detail: `as it would be with: ${typed}` })));
}
