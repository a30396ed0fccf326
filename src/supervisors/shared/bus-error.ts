import { Failure, type Problem, why } from '../../problem.ts';

/** Why a call has no result: an error that was answered, no answer within `limit` ms, or the connection ended. */
export type BusFailure =
  | { readonly kind: 'answered'; readonly name: string; readonly message: string }
  | { readonly kind: 'timeout'; readonly limit: number }
  | { readonly kind: 'closed'; readonly message?: string | undefined };

export class BusError extends Error {
  readonly failure: BusFailure;
  constructor(failure: BusFailure) {
    super(failure.kind === 'answered' ? `${failure.name}: ${failure.message}` : failure.kind);
    this.name = 'BusError';
    this.failure = failure;
  }
}

export function isAnswered(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof BusError && error.failure.kind === 'answered' && names.includes(error.failure.name);
}

/** The bus, or systemd on it, went away before it answered, or was not there. */
export function isGone(error: unknown): boolean {
  return (error instanceof BusError && error.failure.kind === 'closed') || isAnswered(error, ...GONE);
}

/** What is said of a call that failed: "cannot ACT: why". */
export function busProblem(act: string, error: unknown): Problem {
  if (error instanceof Failure) return error.problems[0] as Problem;
  const { code, because, hint } = explain(error);
  return { code, summary: `cannot ${act}: ${because}`, ...(hint === undefined ? {} : { hint }) };
}

interface Explanation {
  readonly code: string;
  readonly because: string;
  readonly hint?: string;
}

function explain(error: unknown): Explanation {
  if (!(error instanceof BusError)) return { code: 'bus-failed', because: why(error) };
  const { failure } = error;
  switch (failure.kind) {
    case 'answered':
      return WORDS[failure.name]?.(sentence(failure.message)) ?? refused(sentence(failure.message));
    case 'timeout':
      return {
        code: 'systemd-busy',
        because: `systemd did not answer within ${Math.round(failure.limit / 1000)}s`,
        hint: 'it may be busy; what was asked of it may still be done. `systemctl status` shows whether it answers',
      };
    case 'closed':
      return {
        code: 'bus-lost',
        because: `the bus went away${failure.message === undefined ? '' : ` (${failure.message})`}`,
        hint: 'what was asked of systemd may be done or not; try again once D-Bus is back (`systemctl status dbus`)',
      };
  }
}

const refused = (message: string): Explanation => ({ code: 'systemd-refused', because: message });

const as =
  (code: string, hint?: string) =>
  (because: string): Explanation => ({ code, because, ...(hint === undefined ? {} : { hint }) });

const gone = (): Explanation => ({
  code: 'systemd-gone',
  because: 'systemd left the bus before it answered',
  hint: 'it or the bus restarted, or is not up yet; what was asked of it may be done or not: try again',
});

const notPermitted = (): Explanation => ({
  code: 'not-permitted',
  because: 'only root, or whom polkit lets, may do that',
  hint: 'run it as root (sudo), or use your own systemd (`systemctl --user`)',
});

const notLoadable = as('unit-not-loadable', '`systemctl status` and `systemd-analyze verify` tell what is wrong');

const BUS = 'org.freedesktop.DBus.Error.';
const SYSTEMD = 'org.freedesktop.systemd1.';

const GONE = ['NoReply', 'Disconnected', 'NameHasNoOwner', 'ServiceUnknown'].map((name) => `${BUS}${name}`);

/** Errors that are better said in our words, or with what to do. Given what systemd said, as a part of a sentence. */
const WORDS: Readonly<Record<string, (because: string) => Explanation>> = {
  [`${SYSTEMD}NoSuchUnit`]: as('no-such-unit'),
  [`${SYSTEMD}UnitMasked`]: as('unit-masked', '`systemctl unmask` lets it be started again'),
  [`${SYSTEMD}LoadFailed`]: notLoadable,
  [`${SYSTEMD}BadUnitSetting`]: notLoadable,
  [`${BUS}InconsistentMessage`]: notLoadable,
  [`${SYSTEMD}JobTypeNotApplicable`]: as('job-not-applicable'),
  [`${SYSTEMD}OnlyByDependency`]: as('only-by-dependency'),
  [`${SYSTEMD}TransactionIsDestructive`]: as(
    'job-in-the-way',
    '`systemctl list-jobs` shows it; a host that is shutting down starts nothing',
  ),
  [`${SYSTEMD}TransactionJobsConflicting`]: as('job-in-the-way'),
  [`${SYSTEMD}TransactionOrderIsCyclic`]: as('order-cyclic'),
  [`${SYSTEMD}ShuttingDown`]: as('shutting-down'),
  [`${SYSTEMD}UnitExists`]: as('file-in-the-way'),
  [`${BUS}FileExists`]: as('file-in-the-way'),
  [`${BUS}UnknownObject`]: as('no-such-object'),
  [`${BUS}AccessDenied`]: notPermitted,
  [`${BUS}AuthFailed`]: notPermitted,
  [`${BUS}InteractiveAuthorizationRequired`]: notPermitted,
  ...Object.fromEntries(GONE.map((name) => [name, gone])),
  [`${BUS}LimitsExceeded`]: as('systemd-busy', 'too much was asked of it at once: try again'),
};

/** `Unit x.service not found.` as a part of a sentence. */
function sentence(message: string): string {
  return message
    .replace(/\.$/, '')
    .replace(/^(Unit|File|Job|Transaction|Access|Refusing|Operation|Failed)\b/, (word) => word.toLowerCase());
}
