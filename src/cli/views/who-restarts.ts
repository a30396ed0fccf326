import type { Json } from '../../canonical.ts';
import { formatDuration } from '../../units.ts';
import type { Style } from '../style.ts';

/** Who restarts a service, as it is shown. Times are milliseconds since the epoch. */
export interface WhoRestarts {
  readonly name: string;
  /** How long it was watched, in ms. */
  readonly for: number;
  readonly watched: readonly Watched[];
  readonly findings: readonly WhoFinding[];
  /** The longest time (ms) between two looks. */
  readonly blind: number;
}

export interface Watched {
  readonly subject: string;
  /** Its main process at the end. */
  readonly pid?: number;
  /** New processes while it was watched, by whomever. */
  readonly restarts: number;
  /** `every 2.0 s` */
  readonly cadence?: string;
}

export interface WhoFinding {
  readonly subject: string;
  readonly kind: 'restarted' | 'ended' | 'started' | 'touched';
  readonly times: readonly number[];
  readonly cadence?: { readonly every: number; readonly least: number; readonly most: number; readonly words: string };
  readonly certainty: 'seen' | 'likely' | 'unknown';
  readonly by?: {
    readonly pid: number;
    readonly start: number;
    readonly command: string;
    readonly user: string;
    /** `started by hand by root` */
    readonly words: string;
    readonly started: string;
  };
  readonly pids?: readonly number[];
  readonly runs?: string;
  readonly evidence: string;
}

/** For people. */
export function whoRestartsText(value: WhoRestarts, { style }: { readonly style: Style }): string {
  const lines = value.watched.flatMap((watched) => {
    const findings = value.findings.filter(({ subject }) => subject === watched.subject);
    return [headline(watched, value.for, style), ...findings.flatMap((finding) => findingLines(finding, style))];
  });
  return `${lines.join('\n')}\n`;
}

/** The same for programs. */
export function whoRestartsJson(value: WhoRestarts): Json {
  return {
    name: value.name,
    for: value.for,
    blind: value.blind,
    watched: value.watched.map(({ subject, pid, restarts, cadence }) => ({
      subject,
      pid: pid ?? null,
      restarts,
      cadence: cadence ?? null,
    })),
    findings: value.findings.map((finding) => {
      const { subject, kind, times, cadence, certainty, by, pids, runs, evidence } = finding;
      return {
        subject,
        kind,
        times: [...times],
        cadence: cadence === undefined ? null : { every: cadence.every, least: cadence.least, most: cadence.most },
        certainty,
        by:
          by === undefined
            ? null
            : { pid: by.pid, start: by.start, command: by.command, user: by.user, started: by.started },
        pids: pids === undefined ? null : [...pids],
        runs: runs ?? null,
        evidence,
      };
    }),
  };
}

function headline({ subject, pid, restarts, cadence }: Watched, time: number, style: Style): string {
  const now = pid === undefined ? 'has no process now' : `is pid ${pid} now`;
  if (restarts === 0) return `nothing restarted ${style.bold(visible(subject))} in ${formatDuration(time)}; it ${now}`;
  const rhythm = cadence === undefined ? '' : `, ${cadence}`;
  return `${style.bold(visible(subject))} got a new process ${times(restarts)} in ${formatDuration(time)}${rhythm}; it ${now}`;
}

const WORDS = { restarted: 'restarted', ended: 'ended', started: 'started', touched: 'touched' } as const;
const COLOURS = { seen: 'red', likely: 'yellow', unknown: 'yellow' } as const;

function findingLines({ kind, times: at, cadence, certainty, evidence, by, pids }: WhoFinding, style: Style): string[] {
  const mark = style[COLOURS[certainty]](certainty);
  const rhythm = cadence === undefined ? '' : `, ${cadence.words}`;
  const who =
    by === undefined ? 'by whom is unknown' : `by pid ${by.pid} \`${visible(by.command)}\` ${visible(by.words)}`;
  const others = pids === undefined ? [] : [`    of several: pids ${pids.join(', ')}`];
  return [`  ${mark}: ${WORDS[kind]} ${times(at.length)}${rhythm}, ${who}`, `    ${visible(evidence)}`, ...others];
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}

/** A command line may hold what a terminal would obey: control characters are replaced. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
