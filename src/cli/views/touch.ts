import type { Json } from '../../canonical.ts';
import type { Touch, Touched } from '../../model.ts';
import { unreachable } from '../../problem.ts';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';
import { problemsText } from './problems.ts';

/** What is told while processes are signalled or read their settings anew, and what it came to. */
export interface Done {
  readonly touched: readonly Touched[];
  readonly over: readonly { readonly service: string; readonly why: string }[];
}

type Event =
  | { readonly kind: 'touching'; readonly service: string; readonly touch: Touch }
  | { readonly kind: 'touched'; readonly touched: Touched };

/** A line as it goes on; a signal is sent at once, and needs none before that. */
export function touchText(event: Event, style: Style): string | undefined {
  if (event.kind === 'touching')
    return event.touch.kind === 'signal' ? undefined : style.dim(`  ${event.service}: reloading...`);
  const { service, touch, outcome, took, ended } = event.touched;
  const time = style.dim(`(${(took / 1000).toFixed(2)}s)`);
  switch (outcome.kind) {
    case 'done': {
      const pid = outcome.pid === undefined ? '' : ` ${outcome.pid}`;
      if (touch.kind === 'reload') return `  ${service}: ${style.green('reloaded')}, pid${pid} unchanged ${time}`;
      const whom = touch.tree ? `pid${pid} and all below it` : `pid${pid}`;
      return `  ${service}: ${style.green(touch.signal)} sent to ${whom}${ended ? `; ${style.yellow('it ends by that')}` : ''}`;
    }
    case 'failed':
      return `  ${service}: ${style.red('failed')} ${time}: ${outcome.problem.summary}`;
    case 'skipped':
      return `  ${service}: ${style.yellow('skipped')}: ${outcome.problem.summary}`;
    default:
      return unreachable(outcome);
  }
}

export function operatedText(
  { touched, over }: Done,
  touch: Touch,
  { style, width }: { readonly style: Style; readonly width: number },
): string {
  const count = (kind: string) => touched.filter(({ outcome }) => outcome.kind === kind).length;
  const words = [
    `${count('done')} ${touch.kind === 'reload' ? 'reloaded' : 'signalled'}`,
    ...['failed', 'skipped'].flatMap((kind) => (count(kind) === 0 ? [] : [`${count(kind)} ${kind}`])),
    ...(over.length === 0 ? [] : [`${over.length} passed over`]),
  ];
  const well = count('failed') + count('skipped') === 0;
  const reasons = [...Map.groupBy(over, ({ why }) => why)].flatMap(([why, all]) =>
    wrapped(`passed over: ${all.map(({ service }) => service).join(', ')}: ${why}`, width - 4).map(
      (line, i) => `${i === 0 ? '  ' : '    '}${line}`,
    ),
  );
  const lines = [
    ...reasons.map((line) => style.dim(line)),
    '',
    (well ? style.green : style.yellow)(`${words.join(', ')}.`),
  ];
  const problems = touched.flatMap(({ outcome }) => (outcome.kind === 'failed' ? [outcome.problem] : []));
  return `${lines.join('\n')}\n${problems.length === 0 ? '' : `\n${problemsText(problems, style)}`}`;
}

export function operatedJson({ touched, over }: Done): Json {
  return {
    services: touched.map(({ service, supervisor, outcome, took, ended }) => ({
      service,
      supervisor,
      outcome: outcome.kind,
      took: Math.round(took),
      ended,
      ...(outcome.kind === 'done' ? { pid: outcome.pid ?? null } : {}),
      ...(outcome.kind === 'done'
        ? {}
        : {
            problem: {
              code: outcome.problem.code,
              summary: outcome.problem.summary,
              ...(outcome.problem.hint === undefined ? {} : { hint: outcome.problem.hint }),
            },
          }),
    })),
    passedOver: over.map(({ service, why }) => ({ service, why })),
  };
}
