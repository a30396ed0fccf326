import { mkdirSync } from 'node:fs';
import { serviceOfInstance } from '../../instance.ts';
import type { Definition, Step } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { changedProblem, notWritten } from '../shared/files.ts';
import type { Supervisor } from '../supervisor.ts';
import { type Observer, problemOf } from './observe.ts';
import { NO_PARTS, type PartChange, programsFile, readParts, writeParts } from './programs-file.ts';
import { Fault } from './rpc.ts';

/**
 * What all steps of an apply need at once: programs are written, and supervisord reads all of them anew, once. What a
 * removal takes away stays until its program is stopped, but for what is of a pool that is changed, and what a supervisord
 * that is only to be started would start again. What a person stops has no start of its own from before it is stopped, and so
 * does not come up with supervisord; its next start by us says otherwise again. Where supervisord refuses them, all is put back: it would not start again
 * with them. Gives the steps that can't be taken, and why.
 */
export async function prepare(
  { link, owner, logDir, define }: Observer & Pick<Supervisor, 'define'> & { readonly logDir: string },
  steps: readonly Step[],
  reread: () => Promise<void>,
): Promise<ReadonlyMap<string, Problem>> {
  const path = programsFile(link.instance, owner);
  const refused = new Map<string, Problem>();
  const due: PartChange[] = [];
  const undo: PartChange[] = [];
  try {
    mkdirSync(logDir, { recursive: true, mode: 0o755 });
    const { texts } = readParts(path) ?? NO_PARTS;
    const written = steps.filter(({ action, files }) => action !== 'remove' && files !== undefined);
    const pools = new Set(written.flatMap(({ target }) => target?.definition.pool ?? []));
    const runner = `:${serviceOfInstance(link.instance.name)}`;
    const goes = (step: Step) =>
      step.action === 'remove' &&
      // What it says of its pool would count as well.
      (pools.has(link.poolOf(step.service) ?? '') || step.after.some((id) => id.endsWith(runner)));
    for (const step of steps) {
      const now = texts.get(step.service);
      if (now !== undefined && goes(step)) {
        due.push([step.service, undefined]);
        undo.push([step.service, now]);
      }
      const quiet = now === undefined ? undefined : quietText(step, define);
      if (quiet !== undefined && quiet !== now) {
        due.push([step.service, quiet]);
        undo.push([step.service, now]);
      }
      const [file] = step.action === 'remove' ? [] : (step.files ?? []);
      if (file === undefined) continue;
      // What was written by an earlier run that was interrupted is as good as what the plan saw.
      if (now !== file.from && now !== file.to) refused.set(step.id, changedProblem(step, path));
      else if (now !== file.to) {
        due.push([step.service, file.to]);
        undo.push([step.service, file.from]);
      }
    }
    writeParts(path, due);
  } catch (error) {
    for (const step of steps) if (!refused.has(step.id)) refused.set(step.id, notWritten(step, error));
    return refused;
  }
  // One that is down reads all there is when it starts, which may be a step of this plan.
  if ((await link.presence()).kind !== 'up') return refused;
  try {
    if (steps.some(needsReading)) await reread();
  } catch (error) {
    const isBad = error instanceof Fault && error.name === 'CANT_REREAD';
    if (isBad) writeParts(path, undo);
    const problem = isBad ? cantReread(link.instance.name, error) : problemOf(link.instance, error);
    for (const step of steps) if (!refused.has(step.id) && needsReading(step)) refused.set(step.id, problem);
  }
  return refused;
}

/** What its file is to say of a program that a person stops; a pool has one start for all of it. */
function quietText({ action, reason, target }: Step, define: Supervisor['define']): string | undefined {
  if (action !== 'stop' || reason.kind !== 'asked' || target === undefined || target.definition.pool !== undefined)
    return undefined;
  const quiet = define({ ...target.service, autostart: false });
  return Array.isArray(quiet) ? undefined : (quiet as Definition).files?.[0]?.text;
}

function needsReading({ files, action, effect }: Step): boolean {
  return action !== 'remove' && (files !== undefined || effect === 'start' || effect === 'restart');
}

function cantReread(name: string, { message }: Fault): Problem {
  return {
    code: 'cant-reread',
    summary: `cannot change supervisord/${name}: it refuses its configuration: ${message.replace(/^CANT_REREAD: /, '')}`,
    hint: 'what was written for this was put back, and no process was touched; mend that, then run `reconcile` again',
  };
}
