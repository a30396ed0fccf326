import { loadDesired } from '../../engine.ts';
import { entryJson } from '../../journal/entry.ts';
import { servicesInJournal } from '../../journal/read.ts';
import { withRuns } from '../../journal/runs.ts';
import { Failure } from '../../problem.ts';
import { parseDuration } from '../../units.ts';
import type { Context, Options } from '../context.ts';
import { historyText } from '../views/history.ts';
import { problemsText } from '../views/problems.ts';
import { unknownName } from './known-names.ts';

/** How many of the newest are shown where nobody says. */
const LIMIT = 100;

/** `reconcile history [NAME]`: what happened, newest last. Reads the journal alone. */
export async function historyCommand(context: Context, options: Options): Promise<number> {
  const { config, style, width, note } = context;
  const { what: name } = options;
  const limit = limitOf(options.limit);
  const since = options.since === undefined ? undefined : sinceOf(options.since, Date.now());
  if (name !== undefined) await checkName(context, name, 'show the history of');
  const history = withRuns(config.stateDir, { services: name === undefined ? [] : [name], since, limit });
  if (history === undefined) {
    note(noJournal(config.stateDir));
    return 0;
  }
  const { entries, more, problem } = history;
  // Nobody can tell whether anything is recorded.
  if (problem !== undefined && entries.length === 0) throw new Failure(problem);
  if (problem !== undefined) note(`${problemsText([problem], style)}\n`);
  if (options.json) for (const entry of entries) context.out(`${JSON.stringify(entryJson(entry))}\n`);
  else context.out(historyText(entries, { style, width, alone: name !== undefined }));
  if (entries.length === 0)
    note(`Nothing is recorded${name === undefined ? '' : ` of ${name}`}${since === undefined ? '' : ' since then'}.\n`);
  else if (more) note(`There are older ones: --limit ${limit * 10}\n`);
  return 0;
}

export function noJournal(stateDir: string): string {
  return `There is no journal in ${stateDir}: nothing was applied there yet, or its state folder is another (--state-dir).\n`;
}

/** Fails where neither the journal nor the desired state knows a service of this name. */
export async function checkName({ config }: Context, name: string, act: string): Promise<void> {
  const isOf = (id: string) => id === name || id.startsWith(`${name}@`);
  const recorded = servicesInJournal(config.stateDir);
  if (recorded.some(isOf)) return;
  let declared: readonly string[] = [];
  let failure: Failure | undefined;
  try {
    declared = (await loadDesired(config)).services.map(({ id }) => id);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = error;
  }
  if (declared.some(isOf)) return;
  // What it could not be looked up in may well declare it.
  if (failure !== undefined) throw failure;
  throw new Failure(unknownName(name, act, [...recorded, ...declared]));
}

export function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Failure({
    code: 'usage',
    summary: `cannot take '${text}' for how many to show`,
    hint: 'give a number, such as --limit 500',
  });
}

/** A time, or how long ago; ms since the epoch. Without a zone it is UTC, as all times are that are shown. */
export function sinceOf(text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const isDate = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
  const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(text.slice(10));
  const at = isDate ? Date.parse(`${text.replace(' ', 'T')}${text.length === 10 || hasZone ? '' : 'Z'}`) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new Failure({
    code: 'usage',
    summary: `cannot take '${text}' for a time`,
    hint: 'give how long ago (2h, 30m, 7d) or a time in UTC (2026-11-24, 2026-11-24T16:40)',
  });
}
