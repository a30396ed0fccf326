import { constants } from 'node:os';
import * as z from 'zod/mini';
import type { Event, Handover, Plan, Predecessor, Report, Step } from '../model.ts';
import type { Operated, TouchEvent, TouchRequest } from '../operate/operate.ts';
import type { Problem } from '../problem.ts';
import { maskFile } from '../secrets.ts';

/** What a client asks of `POST /v1/apply`. */
export const ApplyRequest = z.strictObject({
  desiredState: z.string(),
  only: z.array(z.string()),
  asked: z.array(z.string()),
  expect: z.optional(z.string()),
  claim: z.optional(z.boolean()),
  restartStaged: z.optional(z.boolean()),
  /** Goes back to a commit first, where none is named to the one before; with all services where none is named. */
  back: z.optional(z.strictObject({ commit: z.optional(z.string()), only: z.array(z.string()) })),
  /** What is quarantined is tried again. */
  retry: z.optional(z.boolean()),
  /** Done though a window is shut or it is frozen, and why. */
  override: z.optional(z.string().check(z.minLength(1))),
  /** What waits for an approval has been looked at, by its id. */
  approve: z.optional(z.string()),
  /** These are stopped, and left alone until then (ms since the epoch). */
  stop: z.optional(
    z.strictObject({ names: z.array(z.string()), until: z.number(), why: z.string().check(z.minLength(1)) }),
  ),
  /** These are restarted. */
  restart: z.optional(z.array(z.string())),
  /** These are no longer left alone. */
  release: z.optional(z.array(z.string())),
  /** Who asks, as he says: for the history alone. */
  by: z.optional(z.string()),
});
export type ApplyRequest = z.infer<typeof ApplyRequest>;

/** What a client asks of `POST /v1/plan`: all by which its own plan could differ from the daemon's. */
export const PlanRequest = z.strictObject({
  /** Of the tool. */
  version: z.string(),
  desiredState: z.string(),
  stateDir: z.string(),
  logDir: z.string(),
  host: z.string(),
  only: z.array(z.string()),
  claim: z.boolean(),
  restartStaged: z.boolean(),
  override: z.boolean(),
  /** As if all that waits for an approval had one. */
  approved: z.boolean(),
});
export type PlanRequest = z.infer<typeof PlanRequest>;

/** The answer to it. */
export type PlanAnswer =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }
  /** The client sees something else than the daemon does: it is to plan itself. */
  | { readonly kind: 'other' };

/** What a client asks of `POST /v1/sync`. */
export const SyncRequest = z.strictObject({
  desiredState: z.string(),
  allowRewind: z.optional(z.boolean()),
  /** false: it is answered at once, and done after that. */
  wait: z.optional(z.boolean()),
  by: z.optional(z.string()),
});
export type SyncRequest = z.infer<typeof SyncRequest>;

/** The answer to it: the commit that is in force now, and what was done for it. */
export interface SyncAnswer {
  readonly commit?: { readonly commit: string; readonly subject: string; readonly author: string };
  /** The commit before; absent where it is the first. */
  readonly from?: string;
  readonly rewritten?: boolean;
  readonly report?: Report;
  /** Why something was not done. */
  readonly problems: readonly Problem[];
}

/** What a client asks of `POST /v1/reload`: names as people give them. */
export const ReloadRequest = z.strictObject({
  desiredState: z.string(),
  names: z.array(z.string()).check(z.minLength(1)),
  /** Who asks, as he says: for the history alone. */
  by: z.optional(z.string()),
});

/** What a client asks of `POST /v1/signal`. */
export const SignalRequest = z.strictObject({
  ...ReloadRequest.shape,
  signal: z.enum(Object.keys(constants.signals) as [NodeJS.Signals, ...NodeJS.Signals[]]),
  /** To all processes of each. */
  tree: z.optional(z.boolean()),
  /** Though that ends it, or has it stand still. */
  force: z.optional(z.boolean()),
});

/** Both of them. */
export interface TouchAsked extends TouchRequest {
  readonly desiredState: string;
  readonly by?: string | undefined;
}

/** One line of the answer to both. */
export type TouchLine =
  | { readonly kind: 'event'; readonly event: TouchEvent }
  | { readonly kind: 'done'; readonly done: Operated }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** What a client asks of `POST /v1/stop`. */
export const StopRequest = z.strictObject({ services: z.boolean() });

/** What a client asks of `POST /v1/nudge`: a run, since something was decided; why is for the history. */
export const NudgeRequest = z.strictObject({ cause: z.string().check(z.maxLength(200)) });

/** One line of the answer to an apply: events as they happen, then the report or why there is none. */
export type Line =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** A step without its target: what views need, and no value that could be secret. */
export function bareStep(step: Step): Step {
  const { target: _, files, handover, ...bare } = step;
  return {
    ...bare,
    ...(files === undefined ? {} : { files: files.map(maskFile) }),
    ...(handover === undefined ? {} : { handover: bareHandover(handover) }),
  };
}

function bareHandover({ interim: _, ours, from, ...handover }: Handover): Handover {
  const bare = <P extends Predecessor>(old: P): P => {
    if (old.kind === 'thing') return old;
    const { again: __, ...rest } = old;
    return rest as P;
  };
  return { ...handover, from: from.map(bare), ...(ours === undefined ? {} : { ours: bare(ours) }) };
}

export function barePlan(plan: Plan): Plan {
  return { ...plan, steps: plan.steps.map(bareStep) };
}

export function bareReport(report: Report): Report {
  const steps = report.steps.map(({ step, outcome, took }) => ({ step: bareStep(step), outcome, took }));
  return { plan: barePlan(report.plan), steps, took: report.took };
}

export function bareEvent(event: Event): Event {
  switch (event.kind) {
    case 'planned':
      return { kind: 'planned', plan: barePlan(event.plan) };
    case 'handover-stage':
    case 'overridden':
      return event;
    case 'step-started':
      return { kind: 'step-started', step: bareStep(event.step) };
    case 'step-ended':
      return { ...event, step: bareStep(event.step) };
    case 'applied':
      return { kind: 'applied', report: bareReport(event.report) };
  }
}
