import { loadDesired } from '../../engine.ts';
import { expandGroups } from '../../groups.ts';
import { entryJson } from '../../journal/entry.ts';
import { servicesInJournal } from '../../journal/read.ts';
import { Failure } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
import { createEventsText } from '../views/events.ts';
import { problemsText } from '../views/problems.ts';
import { type Told, tellEvents } from './event-source.ts';
import { limitOf, noJournal, sinceOf } from './history.ts';
import { unknownName } from './known-names.ts';

/** How many of the newest are shown before one follows, where nobody says. */
const BEFORE = '10';

/** `reconcile events [-f] [NAME…]`: what happened, in the order in which it did, then what happens. */
export async function eventsCommand(context: Context, options: Options): Promise<number> {
  const { config, style, width, out, note } = context;
  const { names = [], follow = false, json = false } = options;
  const limit = limitOf(options.limit ?? (follow && options.since === undefined ? BEFORE : undefined));
  const since = options.since === undefined ? undefined : sinceOf(options.since, Date.now());
  const services = names.length === 0 ? [] : await servicesOf(context, names);
  const abort = new AbortController();
  if (follow) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  const text = createEventsText({ style, width, services });
  let count = 0;
  let hasJournal = true;
  for await (const told of tellEvents(config, { services, since, limit, follow }, abort.signal)) {
    if (told.kind !== 'entries') {
      hasJournal &&= told.kind !== 'no-journal';
      note(notice(told, config.stateDir, context));
      continue;
    }
    count += told.entries.length;
    if (json) for (const entry of told.entries) out(`${JSON.stringify(entryJson(entry))}\n`);
    else if (told.entries.length > 0) out(text(told.entries));
  }
  if (count === 0 && !follow && hasJournal)
    note(
      `Nothing is recorded${names.length === 0 ? '' : ` of ${names.join(', ')}`}${since === undefined ? '' : ' since then'}.\n`,
    );
  return 0;
}

function notice(told: Exclude<Told, { kind: 'entries' }>, stateDir: string, { style }: Context): string {
  switch (told.kind) {
    case 'other-daemon':
      return `The daemon of this host (${told.folder}):\n`;
    case 'no-daemon':
      return told.ended
        ? 'The daemon has ended: nothing new comes until it runs again, or somebody applies without it.\n'
        : 'No daemon runs: nothing new comes until one does, or somebody applies without it.\n';
    case 'no-journal':
      return noJournal(stateDir);
    case 'problem':
      return `${problemsText([told.problem], style)}\n`;
  }
}

/** By their names or those of groups; fails for what neither the desired state nor the journal knows. */
async function servicesOf({ config }: Context, names: readonly string[]): Promise<readonly string[]> {
  const recorded = servicesInJournal(config.stateDir);
  const isRecorded = (name: string) => recorded.some((id) => id === name || id.startsWith(`${name}@`));
  if (names.every(isRecorded)) return names;
  const { services } = await loadDesired(config);
  const all = expandGroups(names, services);
  const known = [...recorded, ...services.flatMap(({ id, name }) => [id, name])];
  const problems = all.flatMap((name) =>
    isRecorded(name) || known.includes(name) ? [] : [unknownName(name, 'show events of', known)],
  );
  if (problems.length > 0) throw new Failure(...problems);
  return all;
}
