import { planChange } from '../../change.ts';
import { loadDesired, loadDesiredAt } from '../../engine.ts';
import { type Commits, openCommits } from '../../git/commits.ts';
import type { Desired } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { formatRevision } from '../../revision.ts';
import type { Context, Options } from '../context.ts';
import { planJson, planText } from '../views/plan.ts';

/** `reconcile diff A..B`: what a change would do here. Like a dry run, its exit code is 2 where there is anything. */
export async function diffCommand(context: Context, options: Options): Promise<number> {
  const { config, style, width, out } = context;
  const [from, to] = sidesOf(options.range ?? '');
  const commits = await openCommits(config);
  if (commits === undefined) {
    throw new Failure({
      code: 'no-repository',
      summary: `cannot tell what ${options.range} would do: ${config.desiredState} is in no Git repository`,
      hint: 'run `git init` there, or set `git` in the configuration',
    });
  }
  const before = await sideOf(context, commits, from);
  const after = await sideOf(context, commits, to);
  const plan = await planChange(config, unheld(before.desired), asGitSays(after.desired), options.only ?? []);
  const sides = { from: before.name, to: after.name };
  if (options.json) out(`${JSON.stringify({ ...sides, ...(planJson(plan) as object) }, null, 2)}\n`);
  else out(`${style.dim(`from  ${before.words}\nto    ${after.words}`)}\n\n${planText(plan, { style, width })}`);
  return plan.steps.length > 0 ? 2 : 0;
}

/** `A..B`; either may be left out for what is in force. */
function sidesOf(range: string): readonly [string, string] {
  const [, from, to] = /^([^.]|[^.].*?[^.]|)\.\.([^.].*|)$/.exec(range) ?? [];
  if (from !== undefined && to !== undefined && from + to !== '') return [from, to];
  throw new Failure({
    code: 'usage',
    summary: `cannot take '${range}' for two commits`,
    hint: 'give A..B, or A.. for what has changed since A, or ..B for what B would change',
  });
}

/** What is quarantined is in force as it is; that nothing else becomes of it for now is no part of a change. */
function unheld({ quarantined: _, git: __, ...desired }: Desired): Desired {
  return desired;
}

function asGitSays(desired: Desired): Desired {
  return { ...unheld(desired), ...desired.git };
}

interface Side {
  readonly name: string;
  readonly words: string;
  readonly desired: Desired;
}

async function sideOf({ config }: Context, commits: Commits, name: string): Promise<Side> {
  try {
    if (name === '') {
      const desired = await loadDesired(config);
      const revision = formatRevision(desired.revision);
      return { name: revision, words: `${revision} (in force)`, desired };
    }
    const commit = await commits.resolve(name);
    const { subject, author } = await commits.describe(commit);
    const words = `${commit.slice(0, 12)} "${subject}" by ${author}`;
    return { name: commit, words, desired: await loadDesiredAt(config, commit) };
  } catch (error) {
    if (!(error instanceof Failure) || error.problems.some(({ code }) => code === 'unknown-commit')) throw error;
    const what = name === '' ? 'what is in force' : `the desired state of ${name}`;
    const summary = `cannot tell what the change would do: ${what} can't be read or is invalid`;
    throw new Failure({ code: 'bad-side', summary }, ...error.problems);
  }
}
