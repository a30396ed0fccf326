import type { Config } from '../../config.ts';
import { openCommits } from '../../git/commits.ts';
import type { Entry } from '../../journal/entry.ts';
import { withRuns } from '../../journal/runs.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
import { type Explained, explainJson, explainText, type Origin } from '../views/explain.ts';
import { checkName, limitOf, noJournal, sinceOf } from './history.ts';
import { makePlan } from './plan.ts';
import { currentStatus } from './status.ts';

/** So many entries of a service are looked through, and the newest so many shown behind its commit. */
const LOOKED_THROUGH = 5000;
const SHOWN = 40;

/** `reconcile explain NAME`: from the commit through plan and steps to what it is now, why, and what to do next. */
export async function explainCommand(context: Context, options: Options): Promise<number> {
  const { config, style, width, note } = context;
  const name = options.what ?? '';
  await checkName(context, name, 'explain');
  const since = options.since === undefined ? undefined : sinceOf(options.since, Date.now());
  const history = withRuns(config.stateDir, { services: [name], since, limit: LOOKED_THROUGH });
  if (history === undefined) note(noJournal(config.stateDir));
  const told = since === undefined ? sinceItsChange(history?.entries ?? []) : (history?.entries ?? []);
  const most = options.limit === undefined ? SHOWN : limitOf(options.limit);
  const { entries, leftOut } = shortened(told, most);
  const { status, daemon } = await currentStatus(context);
  const explained: Explained = {
    name,
    origin: await originOf(config, told),
    entries,
    leftOut,
    journal: history?.problem,
    now: status.services.filter((row) => row.name === name || row.name.startsWith(`${name}@`)),
    plan: await planFor(context),
    daemon,
  };
  if (options.json) context.out(`${JSON.stringify(explainJson(explained), null, 2)}\n`);
  else context.out(explainText(explained, { style, width }));
  return 0;
}

/** From the last run on that had something to do to it. */
function sinceItsChange(entries: readonly Entry[]): readonly Entry[] {
  const run = entries.findLast(({ kind }) => kind === 'step')?.run;
  const from = run === undefined ? -1 : entries.findIndex((entry) => entry.run === run);
  return from === -1 ? entries : entries.slice(from);
}

/** The run that it begins with, and the newest. */
function shortened(entries: readonly Entry[], most: number): Pick<Explained, 'entries' | 'leftOut'> {
  if (entries.length <= most) return { entries, leftOut: 0 };
  const run = entries[0]?.run;
  const first = entries.filter((entry) => run !== undefined && entry.run === run).slice(0, most / 2);
  const rest = entries.filter((entry) => !first.includes(entry)).slice(-(most - first.length));
  return { entries: [...first, ...rest], leftOut: entries.length - first.length - rest.length };
}

async function originOf(config: Config, entries: readonly Entry[]): Promise<Origin | undefined> {
  const revision = entries.find((entry) => entry.revision !== undefined)?.revision;
  if (revision === undefined) return undefined;
  const [, hash] = /^([0-9a-f]{7,64})(\+changes)?$/.exec(revision) ?? [];
  if (hash === undefined) return { revision };
  try {
    const commits = await openCommits(config);
    const commit = await commits?.describe(await commits.resolve(hash));
    return commit === undefined ? { revision } : { revision, commit };
  } catch (error) {
    // Git can't tell; it has its name all the same.
    if (error instanceof Failure) return { revision };
    throw error;
  }
}

async function planFor(context: Context): Promise<Explained['plan']> {
  try {
    return await makePlan(context, {});
  } catch (error) {
    if (error instanceof Failure) return { problems: error.problems };
    throw error;
  }
}
