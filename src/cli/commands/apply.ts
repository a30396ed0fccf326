import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Json } from '../../canonical.ts';
import { type Config, ensureFolder } from '../../config.ts';
import { askedText, whoAsks } from '../../daemon/asked.ts';
import { openRecorder, recorded } from '../../daemon/record.ts';
import { converge, ensureHostKey, loadDesired, supervisorsInUse } from '../../engine.ts';
import { createMonitor } from '../../health/monitor.ts';
import type { Event, Report, Step } from '../../model.ts';
import { Failure, why } from '../../problem.ts';
import type { Request } from '../../request.ts';
import { revisionOf } from '../../revision.ts';
import { saidText } from '../../secrets.ts';
import { bringUp, checkSource } from '../../sources.ts';
import { openRegistry } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { planText } from '../views/plan.ts';
import { problemsText } from '../views/problems.ts';
import { progressText, reportJson, reportText } from '../views/progress.ts';
import { underLock } from './locked.ts';

/** `reconcile`: makes it so. */
export async function applyCommand(context: Context, options: Options): Promise<number> {
  const { only = [], claim = false, restartStaged = false } = options;
  return run(context, options, { only, asked: [], claim, restartStaged, ...overriding(options.override) });
}

/** A person's word that it is done now, whatever windows, freezes and gates say: with a reason or not at all. */
export function overriding(why: string | undefined): Pick<Request, 'override'> {
  if (why === undefined) return {};
  const said = saidText(why);
  if (said === '') {
    const hint = "say why, for those who read the log later: --override 'the disk is full'";
    throw new Failure({ code: 'no-reason', summary: 'cannot override without a reason', hint });
  }
  return { override: { why: said, by: whoAsks() } };
}

const SavedPlan = z.object({
  version: z.literal(1),
  fingerprint: z.string(),
  only: z.optional(z.array(z.string())),
  restartStaged: z.optional(z.boolean()),
  override: z.optional(z.string()),
});

/** `reconcile apply FILE`: what was looked at, and nothing else. */
export async function applyFileCommand(context: Context, options: Options): Promise<number> {
  const file = options.file ?? '';
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Failure({ code: 'plan-unreadable', summary: `cannot read the plan ${file}: ${why(error)}` });
  }
  const saved = SavedPlan.safeParse(content);
  if (!saved.success) {
    const hint = 'plans are written by `reconcile plan --out FILE`';
    throw new Failure({
      code: 'plan-unreadable',
      summary: `cannot read the plan ${file}: it is no saved plan of this version`,
      hint,
    });
  }
  const { only = [], fingerprint, restartStaged = false } = saved.data;
  return run(context, options, {
    ...{ only, asked: [], expect: fingerprint, claim: options.claim === true, restartStaged },
    ...overriding(options.override ?? saved.data.override),
  });
}

/** Does what a request says, shows it, as JSON by `toJson`, and gives the exit code. */
export async function run(
  context: Context,
  options: Options,
  request: Request,
  toJson: (report: Report) => Json = reportJson,
): Promise<number> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  using progress = tellProgress(context, options);
  const report = await act(context, request, progress.emit, abort.signal, options.allowRewind === true);
  if (options.json) context.out(`${JSON.stringify(toJson(report), null, 2)}\n`);
  else if (report.steps.length > 0) context.out(reportText(report, context.style));
  const unwell = report.plan.held.length > 0 || report.steps.some(({ outcome }) => outcome.kind !== 'done');
  return unwell ? 3 : 0;
}

/** Acts itself under the lock, or asks the daemon that holds it. */
async function act(
  context: Context,
  request: Request,
  emit: (event: Event) => void,
  signal: AbortSignal,
  allowRewind: boolean,
): Promise<Report> {
  const ask = async (socket: string) => {
    const { only, asked, expect, claim, restartStaged, back, retry, override, approve, stop, restart, release } =
      request;
    const body = { desiredState: context.config.desiredState, only: [...only], asked: [...asked] };
    const extra = {
      ...(expect === undefined ? {} : { expect }),
      ...(claim === undefined ? {} : { claim }),
      ...(restartStaged === undefined ? {} : { restartStaged }),
      ...(back === undefined ? {} : { back: { ...back, only: [...back.only] } }),
      ...(retry === undefined ? {} : { retry }),
      ...(override === undefined ? {} : { override: override.why }),
      ...(approve === undefined ? {} : { approve: approve.plan }),
      ...(stop === undefined ? {} : { stop: { names: [...stop.names], until: stop.until, why: stop.why } }),
      ...(restart === undefined ? {} : { restart: [...restart] }),
      ...(release === undefined ? {} : { release: [...release] }),
      by: stop?.by ?? whoAsks(),
    };
    const { askApply } = await import('../../daemon/client.ts');
    return askApply(socket, { ...body, ...extra }, emit, signal);
  };
  return underLock(context, 'apply', ask, () => actHere(context, request, emit, signal, allowRewind));
}

/** What is decided with a request is only loaded where something is. */
async function withDecisions(config: Config, request: Request): Promise<Request> {
  const says = [request.asked, request.restart, request.release].some(
    (names) => names !== undefined && names.length > 0,
  );
  if (request.back === undefined && request.retry !== true && !says) return request;
  const { decided } = await import('../../verify/go-back.ts');
  const desired = request.back === undefined ? await loadDesired(config) : undefined;
  return decided(
    config,
    { ...request, ...(request.back === undefined ? {} : { back: { ...request.back, by: whoAsks() } }) },
    desired,
  );
}

async function actHere(
  context: Context,
  given: Request,
  emit: (event: Event) => void,
  signal: AbortSignal,
  allowRewind: boolean,
): Promise<Report> {
  const { config } = context;
  const safety = checkSource(config);
  if (safety.length > 0) throw new Failure(...safety);
  ensureFolder(config.stateDir);
  ensureFolder(join(config.stateDir, 'decisions'));
  // What was looked at, or is there, is what counts for these.
  const settled = given.expect !== undefined || given.back !== undefined || given.asked.length > 0;
  const newest = await bringUp(config, { allowRewind, looking: settled }, (problem) =>
    context.note(problemsText([problem], context.style)),
  );
  if (newest?.kind === 'taken' && newest.rewritten)
    context.note(`History was rewritten or set back: it does not come after ${newest.from?.slice(0, 12)}.\n`);
  const request = await withDecisions(config, given);
  const desired = await loadDesired(config);
  ensureHostKey(config.stateDir);
  await using monitor = createMonitor();
  await using registry = openRegistry({
    owner: desired.policy.owner,
    runtimeDir: config.runtimeDir,
    logDir: config.logDir,
    supervise: false,
    monitor,
    revision: (id) => revisionOf(desired, id),
  });
  const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
  using recorder = openRecorder(config, {
    stays: false,
    causes: [askedText({ ...request, approve: request.approve?.plan, by: whoAsks() })],
    onTrouble: ({ summary }) => context.note(`${summary}\n`),
  });
  const told = recorded(emit, recorder);
  const report = await converge(config, desired, supervisors, request, {
    emit: told,
    signal,
    health: (id) => monitor.state(id),
  });
  const started = report.steps.flatMap(({ step, outcome }) =>
    outcome.kind === 'done' && (step.effect === 'start' || step.effect === 'restart') ? [step.supervisor] : [],
  );
  if (started.includes('builtin'))
    context.note(
      'Unsupervised until `reconcile daemon` runs: nothing restarts these services, rotates their logs or counts restarts.\n',
    );
  if (started.includes('systemd'))
    context.note(
      'systemd restarts these units; until `reconcile daemon` runs nothing probes their health, rotates log files of theirs, tries again what is HELD, or sees what is changed by hand.\n',
    );
  if (started.some((name) => name.startsWith('supervisord/')))
    context.note(
      'supervisord restarts these programs; until `reconcile daemon` runs nothing counts their restarts against `restart.limit`, probes their health, or sees what is changed by hand.\n',
    );
  return report;
}

/** Prints the plan and each step as it starts and ends; tells now and then what is still waited for. */
function tellProgress(context: Context, options: Options): { readonly emit: (event: Event) => void } & Disposable {
  const { style, width } = context;
  const waiting = new Map<Step, number>();
  const remind = setInterval(() => {
    for (const [step, since] of waiting) {
      const took = Math.round((performance.now() - since) / 1000);
      if (took >= 10 && !options.json) context.out(style.dim(`  ${step.service}: still waiting (${took}s)\n`));
    }
  }, 10_000);
  return {
    emit: (event) => {
      if (event.kind === 'step-started') waiting.set(event.step, performance.now());
      if (event.kind === 'step-ended')
        for (const step of waiting.keys()) if (step.id === event.step.id) waiting.delete(step);
      if (options.json) return;
      if (event.kind === 'planned') context.out(planText(event.plan, { style, width, diffs: false }));
      if (event.kind === 'planned' && event.plan.steps.length > 0) context.out('\n');
      const line = progressText(event, style);
      if (line !== undefined) context.out(`${line}\n`);
      if (event.kind === 'applied' && event.report.steps.length > 0) context.out('\n');
    },
    [Symbol.dispose]: () => clearInterval(remind),
  };
}
