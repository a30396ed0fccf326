import { equal, type Json } from '../canonical.ts';
import type { HealthState, ServiceId } from '../model.ts';
import type { Monitor, Probe, RunAs } from './health.ts';

/** Until it has passed once a probe about the service itself is tried this often, so that readiness is seen at once. */
const EAGER = 250;

/**
 * What is known of one probe.
 *
 *              passes                        fails `failures` times in a row
 *   unknown ───────────> passing  ─────────────────────────────────────────> failing
 *      │                    <──────────────── passes ───────────────────────    ^
 *      └──────────── fails `failures` times in a row, `every` apart ────────────┘
 */
interface Watched {
  readonly probe: Probe;
  verdict: { readonly kind: 'unknown' | 'passing' } | { readonly kind: 'failing'; readonly why: string };
  /** It has passed since it is watched. */
  passed: boolean;
  tries: number;
  failures: number;
  failedAt: number;
  timer?: NodeJS.Timeout;
}

interface Watch {
  readonly as: RunAs;
  readonly probes: readonly Watched[];
  readonly end: AbortController;
  readonly waiting: Set<() => void>;
  state: HealthState;
}

/** Watches probes by timers and never twice at a time; nothing is loaded before the first probe. */
export function createMonitor(): Monitor {
  const watches = new Map<ServiceId, Watch>();
  const listeners: ((id: ServiceId, state: HealthState) => void)[] = [];
  const trying = new Set<Promise<void>>();

  function arm(id: ServiceId, watch: Watch, watched: Watched, delay: number): void {
    clearTimeout(watched.timer);
    watched.timer = setTimeout(
      () => {
        delete watched.timer;
        const done = run(id, watch, watched).finally(() => trying.delete(done));
        trying.add(done);
        // A try may have taken longer than the time to the next.
      },
      Math.max(0, delay),
    );
    if (watch.waiting.size === 0) watched.timer.unref();
  }

  async function run(id: ServiceId, watch: Watch, watched: Watched): Promise<void> {
    const { signal } = watch.end;
    const started = performance.now();
    const { tryProbe } = await import('./probes.ts');
    const failure = await tryProbe(watched.probe, watch.as, signal);
    if (signal.aborted) return;
    note(watched, failure, started);
    const before = watch.state;
    watch.state = stateOf(watch.probes);
    if (isReady(watch)) settle(watch);
    if (!equal(before as Json, watch.state as Json)) for (const listener of listeners) listener(id, watch.state);
    // A listener may have ended this watch.
    if (!signal.aborted) arm(id, watch, watched, period(watch, watched) - (performance.now() - started));
  }

  function end(id: ServiceId): Watch | undefined {
    const watch = watches.get(id);
    watches.delete(id);
    watch?.end.abort();
    for (const { timer } of watch?.probes ?? []) clearTimeout(timer);
    return watch;
  }

  function forget(id: ServiceId): void {
    const watch = end(id);
    if (watch) settle(watch);
  }

  return {
    forget,
    watch(id, probes, as) {
      const before = end(id);
      const watch: Watch = {
        as,
        probes: probes.map((probe) => ({
          probe,
          verdict: { kind: 'unknown' },
          passed: false,
          tries: 0,
          failures: 0,
          failedAt: Number.NEGATIVE_INFINITY,
        })),
        end: new AbortController(),
        // Who waits for the service waits on, for the process that is there now.
        waiting: before?.waiting ?? new Set(),
        state: { kind: probes.length > 0 ? 'unknown' : 'none' },
      };
      watches.set(id, watch);
      if (isReady(watch)) settle(watch);
      for (const watched of watch.probes) arm(id, watch, watched, 0);
    },
    state(id) {
      return watches.get(id)?.state ?? { kind: 'none' };
    },
    ready(id, signal) {
      const watch = watches.get(id);
      if (watch === undefined) return Promise.resolve({ kind: 'none' });
      if (isReady(watch) || signal.aborted) return Promise.resolve(watch.state);
      return new Promise((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          const now = watches.get(id) ?? watch;
          now.waiting.delete(done);
          resolve(now.state);
        };
        signal.addEventListener('abort', done);
        watch.waiting.add(done);
        for (const watched of watch.probes) {
          if (watched.timer && isEager(watch, watched)) arm(id, watch, watched, 0);
        }
      });
    },
    onChange(listener) {
      listeners.push(listener);
    },
    async [Symbol.asyncDispose]() {
      for (const id of [...watches.keys()]) forget(id);
      await Promise.all(trying);
    },
  };
}

/** Eager failures count once in a period: a slow start is not a row of failures. */
function note(watched: Watched, failure: string | undefined, at: number): void {
  const { probe } = watched;
  watched.tries += 1;
  if (failure === undefined) {
    Object.assign(watched, { verdict: { kind: 'passing' }, passed: true, failures: 0 });
    return;
  }
  if (at - watched.failedAt >= probe.every * 0.9 || watched.passed) {
    watched.failures += 1;
    watched.failedAt = at;
  }
  if (watched.failures >= probe.failures) watched.verdict = { kind: 'failing', why: failure };
}

/** From start to start. The first period is a random part of one, so that the probes of many services spread. */
function period(watch: Watch, watched: Watched): number {
  const { every } = watched.probe;
  if (isEager(watch, watched)) return Math.min(every, EAGER);
  return watched.tries === 1 ? Math.random() * every : every;
}

function isEager(watch: Watch, { probe, passed, verdict }: Watched): boolean {
  return probe.about === 'self' && !passed && (verdict.kind === 'unknown' || watch.waiting.size > 0);
}

function isReady(watch: Watch): boolean {
  return watch.probes.every(({ probe, passed }) => passed || probe.about === 'dependency');
}

function settle(watch: Watch): void {
  for (const done of [...watch.waiting]) done();
}

/** What is wrong with the service itself comes first, then what it depends on. */
function stateOf(probes: readonly Watched[]): HealthState {
  for (const about of ['self', 'dependency'] as const) {
    for (const { probe, verdict } of probes) {
      if (probe.about === about && verdict.kind === 'failing') {
        return { kind: 'unhealthy', probe: probe.name, why: verdict.why, about };
      }
    }
  }
  return { kind: probes.some(({ verdict }) => verdict.kind === 'unknown') ? 'unknown' : 'healthy' };
}
