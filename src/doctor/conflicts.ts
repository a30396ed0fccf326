import { checkOwner, loadDesired, openDesiredCache, supervisorsInUse } from '../engine.ts';
import { createMonitor } from '../health/monitor.ts';
import type { Held, Notice, Plan, Step } from '../model.ts';
import { prepare } from '../prepare.ts';
import { Failure, type Problem } from '../problem.ts';
import { EVERYTHING } from '../request.ts';
import { openRegistry } from '../supervisors/index.ts';
import { bad, type Finding, ok, some, warning, word } from './finding.ts';
import { type Check, desiredIfThere, type Means } from './means.ts';

/** Who else runs, or would run, what is declared; and what stands in the way of it. By the plan, as a dry run makes it. */
export const conflicts: Check = {
  topic: 'conflicts',
  look: async (means, signal) => {
    if ((await desiredIfThere(means)) === undefined)
      return [ok('conflicts', 'without a valid desired state nothing can be in its way')];
    try {
      return conflictFindings(await planOf(means, signal));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return error.problems.map(fromProblem);
    }
  },
};

/** Nothing is written for it. */
async function planOf({ config }: Means, signal: AbortSignal): Promise<Plan> {
  const desired = await loadDesired(config, openDesiredCache(config));
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  const request = { ...EVERYTHING, only: [], looking: true };
  const prepared = await prepare(config, desired, supervisors, request, signal);
  checkOwner(config, prepared.desired, prepared.observed);
  return prepared.plan;
}

/** Pure. */
export function conflictFindings({
  steps,
  held,
  notices,
}: Pick<Plan, 'steps' | 'held' | 'notices'>): readonly Finding[] {
  const found = [...notices.flatMap(noticed), ...held.flatMap(heldFinding), ...supersededFindings(steps)];
  const waiting = steps.length;
  const done =
    waiting === 0
      ? []
      : [ok('pending', `${waiting} ${waiting === 1 ? 'step' : 'steps'} to be done: reconcile --dry-run shows them`)];
  if (found.length > 0) return [...found, ...done];
  return [ok('conflicts', 'nobody else runs what is declared, and nothing is in its way'), ...done];
}

function noticed(notice: Notice): Finding[] {
  switch (notice.kind) {
    case 'conflict':
      return [
        bad('conflict', `${notice.service} is started by something else too: ${notice.where}`, {
          evidence: [notice.why],
          hint: `disable that, or say in its file that it takes its place: supersedes: [${notice.supersedes}]`,
          ...disabling(notice.supersedes),
        }),
      ];
    case 'stray':
      return [
        bad(
          'stray',
          `a process runs what ${notice.service} is, outside of its supervisor: pid ${notice.pid} ${notice.by}`,
          {
            evidence: [notice.why],
            hint: '`strays: stop` in policy.yaml ends such processes when the service starts',
            mend: [`reconcile who ${notice.pid}`, `kill ${notice.pid}`],
          },
        ),
      ];
    case 'leftover':
      return [
        warning('leftover', `${notice.service} is of ours and no longer declared: it is left as it is`, {
          evidence: [`under ${notice.supervisor}`],
          hint: '`prune: { max: 1 }` in policy.yaml lets it be removed; or declare it again',
        }),
      ];
    case 'unknown-process':
      return [
        warning('unknown-process', `what ${notice.service} runs as can't be told: pid ${notice.pid}`, {
          mend: [`reconcile who ${notice.pid}`],
        }),
      ];
    case 'not-there':
      return [
        warning('supersedes', `${notice.service} supersedes what is not on this host`, {
          evidence: some(notice.things),
          hint: 'done with already, or misspelt',
        }),
      ];
    default:
      return [];
  }
}

/** Of what systemd starts; a line of a crontab or a program of others is taken out by who wrote it. */
function disabling(thing: string): { readonly mend?: readonly string[] } {
  const [, unit] = /^\{ (?:unit|timer): (\S+) \}$/.exec(thing) ?? [];
  return unit === undefined ? {} : { mend: [`systemctl disable --now ${word(unit)}`] };
}

/** Why something is left alone: what people or windows decided is no conflict, and told elsewhere. */
function heldFinding({ service, reason }: Held): Finding[] {
  const words = { mend: [`reconcile explain ${service}`] };
  switch (reason.kind) {
    case 'foreign':
      return [
        bad('foreign', `what ${service} is to be called is another's (${reason.owner}), and is not touched`, words),
      ];
    case 'unreadable':
    case 'blocked':
    case 'reversed':
      return [
        bad('held', `${service} is left alone: ${reason.problem.summary}`, { ...hinted(reason.problem), ...words }),
      ];
    case 'handover':
      return [bad('held', `${service} is under two supervisors at once, ${reason.from} is the other`, words)];
    case 'stray':
      return [
        bad('stray', `${service} is not started: a process beside its supervisor runs its command, pid ${reason.pid}`, {
          evidence: [reason.by, reason.why],
          mend: [`reconcile who ${reason.pid}`, `kill ${reason.pid}`],
        }),
      ];
    case 'duel':
      return [
        bad('duel', `somebody keeps undoing what is done to ${service}, ${reason.rounds} times by now`, {
          evidence: some(reason.evidence),
          mend: [`reconcile who --restarts ${service}`],
        }),
      ];
    case 'drift':
      return [
        warning('drift', `${service} was changed on the host, and is left so for now`, {
          ...(reason.by === undefined ? {} : { evidence: [reason.by] }),
          mend: [`reconcile release ${service}`],
          hint: 'or keep it so: reconcile capture',
        }),
      ];
    case 'neighbours':
      return [
        warning('held', `${service} can't be changed alone: it is in group ${reason.group}, of others`, {
          evidence: some(reason.others),
          ...words,
        }),
      ];
    default:
      return [];
  }
}

function hinted({ hint }: Problem): { readonly hint?: string } {
  return hint === undefined ? {} : { hint };
}

function supersededFindings(steps: readonly Step[]): Finding[] {
  return steps.flatMap(({ service, reason }) =>
    reason.kind === 'superseded'
      ? [
          warning('supersedes', `what ${service} takes the place of is still there`, {
            evidence: some(reason.things),
            mend: ['reconcile'],
          }),
        ]
      : [],
  );
}

function fromProblem({ summary, hint }: Problem): Finding {
  return bad('plan', summary, hint === undefined ? {} : { hint });
}
