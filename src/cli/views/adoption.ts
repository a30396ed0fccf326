import type { Json } from '../../canonical.ts';
import type { Held, Plan, Step } from '../../model.ts';
import { waitingText } from '../../waiting.ts';
import type { Style } from '../style.ts';
import { heldWords } from './plan-held.ts';

/** What was taken over as it is, and what was not. */
export interface Adopted {
  readonly adoption: {
    readonly now: readonly string[];
    readonly left: readonly {
      readonly name: string;
      readonly step: Step | undefined;
      readonly held: Held | undefined;
    }[];
  };
  /** Services whose files the desired state does not have yet. */
  readonly unread: readonly string[];
  readonly plan: Plan;
}

export function adoptionText({ adoption: { now, left }, unread, plan }: Adopted, style: Style): string {
  const lines = left.flatMap(({ name, step, held }) => {
    const { why, next } = whyLeft(name, step, held, plan);
    return [
      `  ${style.red('!')} ${style.bold(name)}: ${why}`,
      ...(next === undefined ? [] : [style.dim(`      ${next}`)]),
    ];
  });
  const missing = unread.map((name) => `  ${style.red('!')} ${style.bold(name)}: ${NOT_READ}`);
  if (now.length + left.length + unread.length === 0) return 'Nothing waits to be taken over.\n';
  const head = lines.length + missing.length === 0 ? [] : ['Left as they are:', ...lines, ...missing];
  return head.length === 0 ? '' : `${head.join('\n')}\n`;
}

const NOT_READ = 'its file is not read yet: where policy.yaml says `worktree: committed-only`, commit it first';

function whyLeft(
  name: string,
  step: Step | undefined,
  held: Held | undefined,
  plan: Plan,
): { readonly why: string; readonly next: string | undefined } {
  if (held !== undefined) return heldWords(held, plan);
  if (step === undefined) return { why: 'nothing is known of it', next: undefined };
  const things = step.reason.kind === 'superseded' ? { things: step.reason.things } : {};
  const what = waitingText({ action: step.action, effect: 'none', ...things });
  return {
    why: `${what} needs ${MUST[step.effect]}`,
    next: `to have it done: take \`mode: observe\` out of services/${name}.yaml, then: reconcile`,
  };
}

const MUST: Readonly<Record<Step['effect'], string>> = {
  start: 'a start',
  stop: 'a stop',
  restart: 'a restart',
  'pid unchanged': 'a change',
  none: 'a change',
};

export function adoptionJson({ adoption: { now, left }, unread, plan }: Adopted): Json {
  return {
    now: [...now],
    left: [
      ...left.map(({ name, step, held }) => ({
        name,
        effect: step?.effect ?? null,
        why: whyLeft(name, step, held, plan).why,
      })),
      ...unread.map((name) => ({ name, effect: null, why: NOT_READ })),
    ],
  };
}
