import type { HealthState, ServiceId } from '../model.ts';

/** A probe with its defaults filled; times in milliseconds. */
export interface Probe {
  readonly name: string;
  readonly target:
    | { readonly kind: 'http'; readonly url: string; readonly status?: number }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'exec'; readonly command: readonly string[] };
  readonly every: number;
  readonly timeout: number;
  /** Failures in a row before it counts as unhealthy. */
  readonly failures: number;
  readonly about: 'self' | 'dependency';
}

/** How an exec probe is run: as the service is. */
export interface RunAs {
  /** Put before the command: a wrapper that switches user, or nothing. */
  readonly prefix: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** Watches the probes of running services and keeps what they say. */
export interface Monitor extends AsyncDisposable {
  /** Begins to probe, the first time at once, with all counters at zero; replaces what was watched for this id. */
  watch(id: ServiceId, probes: readonly Probe[], as: RunAs): void;
  /** Stops probing and forgets. */
  forget(id: ServiceId): void;
  /** `none` where it has no probes, `unknown` before each has had a result. */
  state(id: ServiceId): HealthState;
  /** Resolves once every probe about self has passed since `watch`; on abort with the state at that time. Never rejects. */
  ready(id: ServiceId, signal: AbortSignal): Promise<HealthState>;
  /** Called at each change of a service's state. */
  onChange(listener: (id: ServiceId, state: HealthState) => void): void;
}
