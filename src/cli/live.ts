import type { Daemon } from '../daemon/daemon.ts';
import type { DaemonEvent } from '../daemon/event.ts';
import { eventText } from '../daemon/words.ts';
import type { Status } from '../model.ts';
import type { Context } from './context.ts';
import { planText } from './views/plan.ts';
import { problemsText } from './views/problems.ts';
import { progressText, reportText } from './views/progress.ts';
import { statusText } from './views/status.ts';

/** How often (ms) the table is drawn anew on a terminal; elsewhere it is printed when it has changed. */
const EVERY = 1000;

/** What people see of `daemon --live`: the plan and its progress as they come, and the status below them, kept fresh. */
export async function createLive(context: Context) {
  const { style, width, out } = context;
  const { createLogUpdate } = await import('log-update');
  const terminal = process.stdout.isTTY === true;
  const draw = createLogUpdate(process.stdout);
  let daemon: Daemon | undefined;
  let shown = '';
  let timer: NodeJS.Timeout | undefined;

  const table = (status: Status) => statusText(status, { style, width, now: Date.now() });
  const refresh = async () => {
    if (daemon === undefined) return;
    const status = await daemon.status();
    if (terminal) return draw(`\n${table(status)}\n${style.dim('Ctrl-C ends.')}`);
    const key = JSON.stringify(status);
    if (key !== shown) out(`\n${table(status)}`);
    shown = key;
  };
  const line = (text: string) => {
    if (terminal) draw.clear();
    out(text);
    if (terminal) soon(50);
  };
  const soon = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh().finally(() => soon(EVERY)), ms);
  };

  return {
    tell: (event: DaemonEvent) => {
      switch (event.kind) {
        case 'planned':
          return event.plan.steps.length > 0 || event.plan.held.length > 0
            ? line(`\n${planText(event.plan, { style, width })}\n`)
            : undefined;
        case 'applied':
          return event.report.steps.length > 0 ? line(`\n${reportText(event.report, style)}`) : undefined;
        case 'step-started':
        case 'step-ended':
          return line(`${progressText(event, style)}\n`);
        case 'invalid':
          return line(
            `\n${problemsText(event.problems, style)}\n${style.yellow(eventText(event).split('\n', 1)[0] ?? '')}\n`,
          );
        default: {
          const text = eventText(event);
          return text === '' ? undefined : line(`${style.dim(text)}\n`);
        }
      }
    },
    follow: (started: Daemon) => {
      daemon = started;
      soon(200);
    },
    close: () => {
      clearTimeout(timer);
      daemon = undefined;
      if (terminal) draw.done();
    },
  };
}
