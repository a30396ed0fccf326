import type { Emit, Source } from '../../logs/line.ts';
import { LogReader, type Reading } from '../../logs/reader.ts';
import type { ServiceId } from '../../model.ts';
import { BadPattern, type Pattern, READ, readPattern } from '../../patterns.ts';
import { Failure, type Problem } from '../../problem.ts';
import type { Stream } from '../../supervisors/log-place.ts';
import type { Context, Options } from '../context.ts';
import { styleFor } from '../style.ts';
import { decoded, type LineView, lineView } from '../views/logs.ts';
import { problemsText } from '../views/problems.ts';
import { sinceOf } from './history.ts';
import { usage } from './lease.ts';
import { openLookout, type Where } from './logs-where.ts';

const LINES = 100;
/** With a pattern: looked through, where nobody says how many. */
const SEARCHED = 10_000;
/** ms. How often it is looked whether services log elsewhere by now. */
const LOOK = 2000;
/** Characters that are kept before they are written. */
const BLOCK = 1 << 16;

/** `reconcile logs NAME…`: what services wrote, wherever that is; with -f what they go on to write. Reads as you, not as the daemon. */
export async function logsCommand(context: Context, options: Options): Promise<number> {
  const { names = [], follow = false } = options;
  const wanted = wantedOf(options, Date.now());
  const pattern = options.grep === undefined ? undefined : await patternOf(options.grep);
  await using lookout = await openLookout(context, names, streamsOf(options));
  const first = await lookout.look();
  const many = first.services.length > 1 || names.some((name) => /[*?[:]/.test(name));
  const view = lineView({
    style: context.style,
    colours: context.style.bold('x') !== 'x',
    terminal: process.stdout.isTTY === true,
    prefix: many && options.bare !== true,
    times: options.timestamps === true,
    json: options.json === true,
  });
  view.know(first.services);
  const tell = teller(context);
  const output = createOutput(view, pattern);
  using reader = new LogReader({ ...output, tell: tell.problem }, options.timestamps === true || options.json === true);
  tell.where(first);
  if (first.readings.some(({ kind }) => kind === 'journal')) await tell.hidden(first.readings, streamsOf(options));
  await reader.read(first.readings, wanted, follow);
  for (const id of first.services) tell.missing(id, first.readings, reader, follow);
  if (!follow) {
    const silent = first.services.filter((id) => !output.shown.has(id) && !tell.isTold(id));
    if (silent.length > 0 && wanted.count > 0) context.note(nothingText(silent, first, options));
    return tell.failed() ? 1 : 0;
  }
  // What may come yet is waited for; of the rest nothing will.
  if (first.readings.length === 0 && !first.problems.some(([, { code }]) => code === 'not-here')) return 1;
  await followOn(reader, first, async () => {
    const where = await lookout.look();
    view.know(where.services);
    tell.where(where);
    return where;
  });
  return 0;
}

/** Of those of whom nothing was shown, though nothing is wrong with them. */
function nothingText(ids: readonly ServiceId[], { readings }: Where, { grep, since, until }: Options): string {
  const own = readings.filter(({ source }) => ids.includes(source.id));
  const places = own.map((each) => (each.kind === 'file' ? each.path : `the journal of ${each.unit}`));
  const limits = [
    ...(since === undefined && until === undefined ? [] : [' of that time']),
    ...(grep === undefined ? [] : [' that matches']),
  ];
  return `There is nothing of ${ids.join(', ')}${limits.join('')} in ${places.join(', ')}.\n`;
}

/** Until somebody ends it. */
async function followOn(reader: LogReader, first: Where, look: () => Promise<Where>): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  reader.set(first.readings);
  let timer: NodeJS.Timeout | undefined;
  const lookIn = (wait: number) => {
    timer = setTimeout(async () => {
      // What can't be looked at now is as it was.
      const where = await look().catch(() => undefined);
      if (where !== undefined && !ended.signal.aborted) reader.set(where.readings);
      if (!ended.signal.aborted) lookIn(LOOK);
    }, wait);
  };
  lookIn(LOOK);
  await reader.follow(ended.signal);
  clearTimeout(timer);
}

function streamsOf({ stdout, stderr }: Options): readonly Stream[] {
  if (stdout === true && stderr !== true) return ['stdout'];
  if (stderr === true && stdout !== true) return ['stderr'];
  return ['stdout', 'stderr'];
}

function wantedOf(options: Options, now: number) {
  const { lines, since, until, follow } = options;
  if (follow === true && until !== undefined)
    throw usage('cannot use --until with -f: what is written from now on has no end', 'leave out one of them');
  const range = {
    since: since === undefined ? undefined : sinceOf(since, now),
    until: until === undefined ? undefined : sinceOf(until, now),
  };
  if (range.since !== undefined && range.until !== undefined && range.since > range.until)
    throw usage(`cannot show what is from ${since} up to ${until}: that ends before it begins`, 'turn them round');
  const otherwise = since !== undefined ? Number.POSITIVE_INFINITY : options.grep === undefined ? LINES : SEARCHED;
  return { ...range, count: lines === undefined ? otherwise : countOf(lines) };
}

function countOf(text: string): number {
  if (text === 'all') return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`cannot take '${text}' for how many lines to show`, 'give a number, such as -n 500, or -n all');
}

async function patternOf(source: string): Promise<Pattern> {
  try {
    return await readPattern(source);
  } catch (error) {
    if (!(error instanceof BadPattern)) throw error;
    throw new Failure({
      code: 'bad-pattern',
      summary: `cannot look for '${source}': ${error.message}`,
      hint: error.hint,
    });
  }
}

/** Writes to standard output, block by block; whoever reads it slowly is waited for. */
function createOutput(
  view: LineView,
  pattern: Pattern | undefined,
): { readonly emit: Emit; readonly flush: () => Promise<void>; readonly shown: ReadonlySet<ServiceId> } {
  const shown = new Set<ServiceId>();
  let text = '';
  const write = (): void => {
    const all = text;
    text = '';
    if (all !== '') process.stdout.write(all, view.encoding);
  };
  return {
    shown,
    emit: ({ id, stream }: Source, lines) => {
      const some =
        pattern === undefined ? lines : lines.filter((line) => pattern.isIn(decoded(line.text.slice(0, READ))));
      if (some.length === 0) return;
      shown.add(id);
      text += view.text(id, stream, some);
      if (text.length > BLOCK) write();
    },
    flush: async () => {
      write();
      if (process.stdout.writableNeedDrain) await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
    },
  };
}

/** What is told of what is shown all the same. */
const SHOWN: ReadonlySet<string> = new Set(['no-times', 'log-cut', 'log-shared']);

/** What is wrong is told once for each service, and the rest goes on. */
function teller({ note }: Context) {
  const style = styleFor(process.stderr);
  const told = new Set<string>();
  let failed = false;
  const say = (key: string, ...problems: Problem[]) => {
    if (told.has(key)) return;
    told.add(key);
    note(problemsText(problems, style));
  };
  const problem = (id: ServiceId, about: Problem) => {
    if (!SHOWN.has(about.code)) failed = true;
    const named = about.summary.includes(` of ${id}`) ? about : { ...about, summary: `${id}: ${about.summary}` };
    say(`${id} ${about.summary}`, named);
  };
  return {
    failed: () => failed,
    isTold: (id: ServiceId) => [...told].some((key) => key.startsWith(`${id} `)),
    problem,
    where: ({ problems }: Where) => {
      for (const [id, one] of problems) problem(id, one);
    },
    hidden: async (readings: readonly Reading[], streams: readonly Stream[]) => {
      const { hiddenFrom } = await import('../../logs/journal.ts');
      const scopes = new Set(readings.flatMap((each) => (each.kind === 'journal' ? [each.scope] : [])));
      for (const scope of scopes) {
        const hidden = await hiddenFrom(scope);
        if (hidden !== undefined) say('hidden', hidden);
      }
      if (streams.length < 2)
        say('streams', {
          code: 'streams-mixed',
          summary: `cannot tell ${streams.join()} apart in the journal: all that the service wrote there is shown`,
        });
    },
    /** Of a service none of whose files is there. */
    missing: (id: ServiceId, readings: readonly Reading[], reader: LogReader, follow: boolean) => {
      const own = readings.filter(({ source }) => source.id === id);
      const files = own.flatMap((each) => (each.kind === 'file' ? [each.path] : []));
      if (
        files.length === 0 ||
        own.some(({ kind }) => kind === 'journal') ||
        files.some((path) => reader.isThere(path))
      )
        return;
      if ([...told].some((key) => key.startsWith(`${id} `))) return;
      const summary = `cannot show the logs of ${id}: there is no ${files.join(' and no ')} yet`;
      const hint = follow ? 'it is waited for' : 'it is made when the service is started; -f waits for it';
      if (follow) say(`${id} missing`, { code: 'no-log', summary, hint });
      else problem(id, { code: 'no-log', summary, hint });
    },
  };
}
