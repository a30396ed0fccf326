import { randomUUID } from 'node:crypto';
import type { ServiceId, ServiceName } from '../model.ts';
import { maskText } from '../secrets.ts';
import { formatDuration } from '../units.ts';
import { type Alert, type AlertKind, type Change, graver, isAtLeast, type Severity } from './alert.ts';

/** What a target is told of. */
export interface Filter {
  readonly least: Severity;
  /** Names, or `GROUP:*`; undefined: all, and what is about the host. */
  readonly services?: readonly string[];
}

/** Where it is told from. */
export interface Origin {
  readonly host: string;
  readonly owner: string;
  readonly revision?: string;
  readonly subjectOf: (id: ServiceId) => { readonly name: ServiceName; readonly group?: string };
}

/** More of a kind at once are told in one. */
const APART = 3;
/** How many are named in a line, and how many there is room for in one message. */
const NAMED = 5;
const ROOM = 1000;
const LINE = 200;
const TEXT = 2000;

/** What is said of several at once, and where that is over. */
const WORDS: Readonly<Record<AlertKind, readonly [now: string, then: string]>> = {
  down: ['are down', 'were down'],
  health: ['are not well', 'were not well'],
  dependency: ['are what others wait for', 'were what others waited for'],
  breaker: ['are restarted no more', 'were restarted no more'],
  acted: ['have failing probes, which was acted on', 'had failing probes, which was acted on'],
  verify: ['did not stay well after a change', 'had not stayed well after a change'],
  apply: ['could not be changed', 'could not be changed before'],
  held: ['are left alone', 'were left alone'],
  duel: ['are undone by others', 'were undone by others'],
  drift: ['were changed by hand', 'had been changed by hand'],
  hold: ['are on hold', 'were on hold'],
  gate: ['wait for their gates', 'waited for their gates'],
  approval: ['wait for an approval', 'waited for an approval'],
  observed: ['would be changed', 'would have been changed'],
  'desired-state': ['are invalid', 'were invalid'],
  source: ['have trouble', 'had trouble'],
  trouble: ['have trouble', 'had trouble'],
  test: ['are tested', 'were tested'],
};

/** What a target is told of these changes, which are told at once. */
export function compose(changes: readonly Change[], filter: Filter, origin: Origin): readonly Alert[] {
  const kept = changes.filter((change) => isFor(change, filter, origin));
  const alike = Map.groupBy(kept, ({ condition, state, peak, flaps }) =>
    [condition.kind, state, state === 'firing' ? condition.severity : peak, flaps === true].join(' '),
  );
  return [...alike.values()].flatMap((all) =>
    all.length > APART ? [together(all, origin)] : all.map((one) => alone(one, origin)),
  );
}

function isFor({ condition, state, peak, about }: Change, { least, services }: Filter, origin: Origin): boolean {
  if (!isAtLeast(state === 'firing' ? condition.severity : peak, least)) return false;
  if (services === undefined) return true;
  return about.some((id) => {
    const { name, group } = origin.subjectOf(id);
    return services.includes(name) || (group !== undefined && services.includes(`${group}:*`));
  });
}

function alone(change: Change, origin: Origin): Alert {
  const { condition, state, since, at, flaps, how } = change;
  const { key, kind, service, hint } = condition;
  const group = groupOf([change], origin);
  const lasted = `after ${lastedText(at - since)}`;
  const over = how === undefined ? `over ${lasted}` : `over, ${how} (${lasted})`;
  const again = flaps ? ' (it comes and goes: no more is told until it has been quiet for a while)' : '';
  const text = condition.text === undefined ? undefined : clean(condition.text);
  return {
    ...headOf(change, origin),
    key,
    title: line(`${condition.title}${state === 'resolved' ? `: ${over}` : again}`),
    ...(text === undefined || text === '' ? {} : { text }),
    ...(hint === undefined || state === 'resolved' ? {} : { hint: line(hint) }),
    ...(service === undefined ? {} : { service }),
    ...(group === undefined ? {} : { group }),
    members: [memberOf(change)],
    count: 1,
    since,
    kind,
  };
}

function together(changes: readonly Change[], origin: Origin): Alert {
  const [first] = changes as readonly [Change, ...Change[]];
  const { kind, hint } = first.condition;
  const names = changes.map(({ condition }) => condition.service ?? condition.key);
  const more = names.length - NAMED;
  const listed = `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const what = `${changes.length} ${changes.every(({ condition }) => condition.service) ? 'services' : 'things'}`;
  const [now, then] = WORDS[kind];
  const title = first.state === 'firing' ? `${what} ${now}` : `over: ${what} ${then}`;
  const group = groupOf(changes, origin);
  const lines = changes.slice(0, NAMED).map(({ condition }) => line(condition.title));
  return {
    ...headOf(first, origin),
    key: `${kind}:*`,
    title: line(`${title}: ${listed}`),
    text: clean([...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')),
    ...(hint === undefined || first.state === 'resolved' ? {} : { hint: line(hint) }),
    ...(group === undefined ? {} : { group }),
    members: changes.slice(0, ROOM).map(memberOf),
    count: changes.length,
    since: Math.min(...changes.map(({ since }) => since)),
    kind,
    severity: changes.reduce((worst, one) => graver(worst, severityOf(one)), severityOf(first)),
  };
}

/** The one that all of them are in. */
function groupOf(changes: readonly Change[], { subjectOf }: Origin): string | undefined {
  const groups = new Set(changes.flatMap(({ about }) => about).map((id) => subjectOf(id).group));
  const [group] = groups;
  return groups.size === 1 ? group : undefined;
}

function headOf(change: Change, { host, owner, revision }: Origin) {
  const { state, at, flaps } = change;
  return {
    id: randomUUID(),
    severity: severityOf(change),
    state,
    at,
    host,
    owner,
    ...(flaps ? { flaps } : {}),
    ...(revision === undefined || revision === '' ? {} : { revision }),
  } as const;
}

function severityOf({ state, peak, condition }: Change): Severity {
  return state === 'firing' ? condition.severity : peak;
}

function memberOf({ condition, since }: Change): Alert['members'][number] {
  const { key, service, title } = condition;
  return { key, title: line(title), since, ...(service === undefined ? {} : { service }) };
}

function lastedText(ms: number): string {
  return formatDuration(Math.max(1000, Math.round(ms / 1000) * 1000));
}

/** On one line, of some length, without secrets. */
export function line(text: string): string {
  return shortened(
    maskText(
      seconds(text)
        .replace(/[\p{Cc}\p{Z}]+/gu, ' ')
        .trim(),
    ),
    LINE,
  );
}

function clean(text: string): string {
  const printable = seconds(text)
    .replace(/[^\P{Cc}\n]+/gu, ' ')
    .trim();
  return shortened(maskText(printable), TEXT);
}

/** Nobody reads milliseconds in a time. */
function seconds(text: string): string {
  return text.replace(/(T\d\d:\d\d:\d\d)\.\d+Z/g, '$1Z');
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
