import { type Actor, actorOf, actorWords, commandWords } from './actor.ts';
import { type Cadence, cadenceOf } from './cadence.ts';
import { type Certainty, type Happening, happeningsOf } from './explain.ts';
import type { Samples, Subject } from './samples.ts';

/** What somebody did to a subject, however often, and what shows it. Never more than is known. */
export interface Finding {
  readonly subject: string;
  readonly kind: Happening['kind'];
  /** Milliseconds since the epoch, in order; at least one. */
  readonly times: readonly number[];
  /** Absent for fewer than three times. */
  readonly cadence?: Cadence;
  readonly certainty: Certainty;
  /** Absent where it is not known who. */
  readonly by?: Actor;
  /** All processes that did it, where those were several; the latest few. */
  readonly pids?: readonly number[];
  /** The command that does it, as shown. */
  readonly runs?: string;
  /** A sentence that says what was seen, and what can't be known. */
  readonly evidence: string;
}

/** How often a subject's own supervisor says that it restarted it by itself, before and after. */
export interface OwnRestarts {
  readonly before: number;
  readonly after: number;
}

export interface Around {
  readonly userOf: (uid: number) => string;
  /** By the name of the subject, where its supervisor counts. */
  readonly restarts: ReadonlyMap<string, OwnRestarts>;
}

/** Who did what to these subjects, by what was seen: what changed nothing last, the most frequent first. Pure. */
export function findingsOf(samples: Samples, subjects: readonly Subject[], around: Around): readonly Finding[] {
  return subjects
    .flatMap((subject) => {
      const all = happeningsOf(samples, subject).map((one) => ({ ...one, ...whoOf(one, around) }));
      const groups = Map.groupBy(all, ({ kind, key }) => `${kind} ${key}`);
      return [...groups.values()].map((group) => findingOf(subject, group, samples, around));
    })
    .sort((a, b) => Number(a.kind === 'touched') - Number(b.kind === 'touched') || b.times.length - a.times.length);
}

type Known = Happening & { readonly by?: Actor; readonly runs?: string; readonly key: string };

function whoOf({ job }: Happening, { userOf }: Around): Pick<Known, 'by' | 'runs' | 'key'> {
  if (job === undefined) return { key: '' };
  const by = actorOf(job, userOf);
  const runs = commandWords(job.process.argv);
  // A new process each time (cron) is the same one as long as everything else of it is.
  const own = by.pid === job.process.pid;
  return { by, runs, key: JSON.stringify([by.command, by.user, by.started.kind, own ? '' : runs]) };
}

const SHOWN = 5;

function findingOf(subject: Subject, group: readonly Known[], samples: Samples, around: Around): Finding {
  const times = group.map(({ at }) => Math.round(at));
  const cadence = cadenceOf(times);
  const last = group.at(-1);
  const kind = last?.kind ?? 'touched';
  const certainty = group.some((one) => one.certainty === 'unknown')
    ? 'unknown'
    : group.some((one) => one.certainty === 'likely')
      ? 'likely'
      : 'seen';
  const pids = [...new Set(group.flatMap(({ by }) => (by === undefined ? [] : [by.pid])))];
  const { by, runs } = last ?? {};
  const known = { ...(by === undefined ? {} : { by }), ...(runs === undefined ? {} : { runs }) };
  return {
    subject: subject.name,
    kind,
    times,
    ...(cadence === undefined ? {} : { cadence }),
    certainty,
    ...known,
    ...(pids.length > 1 ? { pids: pids.slice(-SHOWN) } : {}),
    evidence:
      by === undefined
        ? unknownWords(subject, group, samples, around.restarts.get(subject.name))
        : knownWords(by, runs, group),
  };
}

function knownWords(by: Actor, runs: string | undefined, group: readonly Known[]): string {
  const own = by.command === runs;
  const who = own ? actorWords(by) : `${actorWords(by)} runs \`${runs}\``;
  const count = group.length;
  const sure = group.filter(({ certainty }) => certainty === 'seen').length;
  const kind = group[0]?.kind;
  if (kind === 'touched') return `${who}: seen ${timesWords(count)}, and no process was seen to end or begin by it`;
  const event = kind === 'started' ? 'when the new process came' : 'when the old process ended';
  if (sure === count) return `${who}: it was running ${count === 1 ? '' : `each of the ${count} times `}${event}`;
  const first = sure === 0 ? '' : `it was running ${event} ${timesWords(sure)}; `;
  return `${who}: ${first}${timesWords(count - sure)} only its words and the time speak for it`;
}

function unknownWords(
  { name, handle }: Subject,
  group: readonly Known[],
  { blind, forgotten }: Samples,
  own: OwnRestarts | undefined,
): string {
  const count = group.length;
  const lost = forgotten > 0 ? `; ${forgotten} older sightings were forgotten` : '';
  const nobody = 'no command that asks for it was seen';
  const short = `a command that lives shorter than ${Math.max(5, blind)} ms may have been missed${lost}`;
  const silent = `a program that only calls kill leaves no trace; ${short}`;
  if (group[0]?.kind === 'started') return `${name} got a process ${timesWords(count)}, and ${nobody}; ${short}`;
  if (group[0]?.kind === 'ended')
    return `the process of ${name} ended ${timesWords(count)}, and ${nobody}: it ended by itself, or was killed by a program that can't be named (${silent})`;
  const head = `${name} got a new process ${timesWords(count)}, and ${nobody}`;
  if (own === undefined)
    return `${head}: each ended by itself, or was killed by a program that can't be named (${silent})`;
  const grown = own.after - own.before;
  const manager = handle.kind === 'unit' ? 'systemd' : 'its supervisor';
  if (grown >= count)
    return `${head}: ${manager} itself started it again (its own restart count grew by ${grown}), after each ended by itself or was killed by a program that can't be named (${silent})`;
  if (grown <= 0)
    return `${head}, nor did ${manager} restart it by itself (its own restart count did not grow): somebody asks ${manager} without a command, such as over D-Bus, or ${short}`;
  return `${head}: ${manager} itself started it again ${timesWords(grown)} (its own restart count), the others can't be explained; ${silent}`;
}

function timesWords(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
