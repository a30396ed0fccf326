import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../model.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
import { problemsText } from '../views/problems.ts';
import { statusJson, statusText } from '../views/status.ts';
import { chosenStatus, exitCode, how } from './status.ts';

/** How long (ms) after one look the next begins: at least, and how many times as long as the look itself took. */
const PAUSE = 1000;
const TIMES = 4;

/**
 * `reconcile status --watch`: looks again and again until it is interrupted. On a terminal one table is kept up to date in
 * its place; elsewhere it is printed whenever something of it is different, as JSON one value a line.
 */
export async function watchStatus(context: Context, options: Options): Promise<number> {
  const end = new AbortController();
  const stop = () => end.abort();
  // Not once: what shows the cursor again would else take itself for the only one who listens, and end us by the signal.
  process.on('SIGINT', stop).on('SIGTERM', stop);
  using screen = process.stdout.isTTY && !options.json ? await terminal(context, options) : lines(context, options);
  let code = 0;
  for (let first = true; !end.signal.aborted; first = false) {
    const begun = performance.now();
    // What is noted beside a table would tear it.
    let said = '';
    const note = (text: string) => {
      said += text;
    };
    try {
      const status = await chosenStatus({ ...context, note }, options);
      code = exitCode(status);
      screen.show(status, said);
    } catch (error) {
      // What is wrong from the beginning is no matter of waiting.
      if (first || !(error instanceof Failure)) throw error;
      code = 1;
      screen.fail(problemsText(error.problems, context.style));
    }
    const pause = Math.max(PAUSE, (performance.now() - begun) * TIMES);
    await sleep(pause, undefined, { signal: end.signal }).catch(() => {});
  }
  return code;
}

interface Screen extends Disposable {
  show(status: Status, said: string): void;
  fail(why: string): void;
}

async function terminal({ style }: Context, options: Options): Promise<Screen> {
  const { createLogUpdate } = await import('log-update');
  const draw = createLogUpdate(process.stdout);
  let last = '';
  const show = (text: string) => {
    const all = text.trimEnd().split('\n');
    const room = Math.max(1, (process.stdout.rows ?? 24) - 3);
    const rest = all.length - room;
    const shown = rest > 0 ? [...all.slice(0, room - 1), style.dim(`... ${rest + 1} more lines`)] : all;
    draw(`${shown.join('\n')}\n\n${style.dim('Ctrl-C ends.')}`);
  };
  return {
    show: (status, said) => {
      const width = process.stdout.columns ?? 80;
      last = said + statusText(status, { style, width, now: Date.now(), ...how(options) });
      show(last);
    },
    fail: (why) => show(`${why}\nAs it was before:\n\n${last}`),
    [Symbol.dispose]: () => draw.done(),
  };
}

function lines({ style, width, out, note }: Context, options: Options): Screen {
  const news = (tell: (text: string) => void) => {
    let before = '';
    return (text: string, key = text) => {
      if (key !== before) tell(text);
      before = key;
    };
  };
  const print = news(out);
  const remark = news(note);
  let first = true;
  return {
    show: (status, said) => {
      remark(said);
      // How long something has been up, and what it uses, is different each time.
      const services = status.services.map(({ use: _, ...rest }) => rest);
      const key = JSON.stringify({ ...status, services });
      const table = () => statusText(status, { style, width, now: Date.now(), ...how(options) });
      print(options.json ? `${JSON.stringify(statusJson(status))}\n` : `${first ? '' : '\n'}${table()}`, key);
      first = false;
    },
    fail: (why) => remark(why),
    [Symbol.dispose]: () => {},
  };
}
