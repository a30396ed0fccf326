import type { HealthState, ServiceId } from '../model.ts';

/** What a probe or a gate looks at; times in milliseconds, sizes in bytes. */
export type Target = HttpTarget | TcpTarget | ExecTarget | FileTarget;

/** Something may be read of its answer: `body` is RE2 syntax, `path` a JSON path (RFC 9535). */
export interface HttpTarget {
  readonly kind: 'http';
  readonly url: string;
  /** The one that passes; else 200 to 399 do. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly json?: { readonly path: string; readonly equals?: string | number | boolean | null };
  readonly insecure?: boolean;
}

export interface TcpTarget {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

export interface ExecTarget {
  readonly kind: 'exec';
  readonly command: readonly string[];
}

export interface FileTarget {
  readonly kind: 'file';
  readonly path: string;
  readonly changedWithin?: number;
}

/** A number that has to become greater `within` so long; it is read by one of `json` and `regex`. */
export interface ProgressTarget {
  readonly kind: 'progress';
  readonly from: HttpTarget | ExecTarget | FileTarget;
  readonly json?: string;
  readonly regex?: string;
  readonly within: number;
}

/** What the main process uses, at most. */
export interface ProcessTarget {
  readonly kind: 'process';
  readonly memory?: number;
  readonly openFiles?: number;
}

/** A probe with its defaults filled; times in milliseconds. */
export interface Probe {
  readonly name: string;
  readonly target: Target | ProgressTarget | ProcessTarget;
  readonly every: number;
  readonly timeout: number;
  /** It fails with `count` failures among the last `of` tries; `of` is at least `count`. */
  readonly failures: { readonly count: number; readonly of: number };
  /** Passes in a row that end its failing. */
  readonly successes: number;
  /** Until it has passed once the others are not tried. */
  readonly startup: boolean;
  readonly kind: 'both' | 'readiness' | 'liveness';
  readonly about: 'self' | 'dependency';
  readonly level: 'degraded' | 'critical' | 'dead';
  readonly onFailure: 'none' | 'alert' | 'restart' | 'rollback' | 'stop';
}

/** `unknown`: no result that counts yet. */
export type ProbeVerdict =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'passing' }
  | { readonly kind: 'failing'; readonly why: string };

export interface ProbeState {
  readonly probe: Probe;
  readonly verdict: ProbeVerdict;
  /** Since when it is of this kind (ms since the epoch). */
  readonly since: number;
}

/** How an exec probe is run: as the service is. */
export interface RunAs {
  /** Put before the command: a wrapper that switches user, or nothing. */
  readonly prefix: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** The process that is probed. */
export interface ProbedProcess {
  /** The main process now, where it is known. */
  pid(): number | undefined;
  /** ms from now. What fails before it has passed once counts for nothing until then. */
  readonly grace: number;
  /** ms. The whole of it, that `again` gives. Default: `grace`. */
  readonly wholeGrace?: number;
}

/** Watches the probes of running services and keeps what they say. */
export interface Monitor extends AsyncDisposable {
  /** Begins to probe, with all counters at zero; replaces what was watched for this id. */
  watch(id: ServiceId, probes: readonly Probe[], as: RunAs, process?: ProbedProcess): void;
  /** Stops probing and forgets. */
  forget(id: ServiceId): void;
  /** Counters to zero and its grace anew, as after a restart; verdicts stay until the next result. */
  again(id: ServiceId): void;
  /** `none` where it has no probes, `unknown` before each has had a result. */
  state(id: ServiceId): HealthState;
  /** What is known of each probe, in the order they were given; empty where nothing is watched. */
  probes(id: ServiceId): readonly ProbeState[];
  /** The main process of what is watched, where it is known. */
  pidOf(id: ServiceId): number | undefined;
  /** Does each probe pass that has to before the service is ready? True where there is none. */
  isReady(id: ServiceId): boolean;
  /** Resolves once it is ready; on abort, or where it is forgotten, with the state at that time. Never rejects. */
  ready(id: ServiceId, signal: AbortSignal): Promise<HealthState>;
  /** Tries those of its probes once, now, and counts nothing: the ones that fail. What only time tells is as it is known. */
  failingNow(id: ServiceId, which: (probe: Probe) => boolean): Promise<readonly Probe[]>;
  /** Called at each change of a service's state; that its reason reads otherwise is none. */
  onChange(listener: (id: ServiceId, state: HealthState) => void): void;
  /** Called at each change of a probe's verdict from one kind to another; `before` is how it was until then. */
  onProbe(listener: (id: ServiceId, state: ProbeState, before: ProbeState) => void): void;
}

/** Does it have to pass before its service is ready? */
export function isForReadiness({ about, kind }: Pick<Probe, 'about' | 'kind'>): boolean {
  return about === 'self' && kind !== 'liveness';
}
