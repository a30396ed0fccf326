import { equal, type Json } from '../canonical.ts';
import type { HealthState, ServiceId } from '../model.ts';
import { why } from '../problem.ts';
import { type Attempt, type Cancel, within } from './attempt.ts';
import { count, FRESH, renewed } from './counting.ts';
import { isForReadiness, type Monitor, type Probe, type ProbedProcess, type ProbeState, type RunAs } from './health.ts';
import { createSlots, type Sleeper } from './slots.ts';
import { isEager, isReady, isSuspended, stateIn, stateOf, type Watched } from './watched.ts';

/** Until it has passed once what readiness waits for is tried this often, so that it is seen at once. */
const EAGER = 250;

/** ms. The first tries of all that is watched from one moment on are spread over so long. */
const SPREAD = 1000;

interface Watch {
  readonly as: RunAs;
  readonly process: ProbedProcess;
  readonly entries: readonly Entry[];
  readonly waiting: Set<() => void>;
  state: HealthState;
  graceUntil: number;
  ended: boolean;
}

/** One probe of one watch. */
interface Entry extends Watched, Sleeper {
  /** When it is to be tried (ms, of `performance.now()`); infinite while it is not. */
  due: number;
  attempt: Attempt | undefined;
  /** A try is under way until `deadline`. */
  cancel: Cancel | undefined;
  deadline: number;
  /** Its period has a beginning: it goes on from there, whatever happens. */
  phased: boolean;
}

const NOBODY: ProbedProcess = { pid: () => undefined, grace: 0 };

/** Watches probes, one try of each at a time; nothing is loaded before the first. */
export function createMonitor(): Monitor {
  const watches = new Map<ServiceId, Watch>();
  const changed: Parameters<Monitor['onChange']>[0][] = [];
  const probed: Parameters<Monitor['onProbe']>[0][] = [];
  const slots = createSlots();
  const closing = new AbortController();
  let waiting = 0;

  function plan(entry: Entry, due: number): void {
    entry.due = due;
    slots.put(entry, due);
  }

  function start(id: ServiceId, watch: Watch, entry: Entry, now: number): void {
    const { probe } = entry;
    if (isSuspended(watch.entries, entry)) {
      entry.due = Number.POSITIVE_INFINITY;
      return;
    }
    entry.deadline = now + probe.timeout;
    const { attempt } = entry;
    if (attempt === undefined) {
      void prepare(id, watch, entry);
      return;
    }
    let over = false;
    const end = (failure: string | undefined) => {
      over = true;
      entry.cancel = undefined;
      note(id, watch, entry, failure, now);
    };
    let cancel: Cancel;
    try {
      cancel = attempt({ name: probe.name, as: watch.as, pid: () => watch.process.pid() }, end);
    } catch (error) {
      end(`cannot be tried: ${why(error)}`);
      return;
    }
    if (over) return;
    entry.cancel = cancel;
    slots.put(entry, entry.deadline);
  }

  /** What tries it is loaded and made once. */
  async function prepare(id: ServiceId, watch: Watch, entry: Entry): Promise<void> {
    const none: Cancel = () => '';
    entry.cancel = none;
    entry.deadline = Number.POSITIVE_INFINITY;
    let failure: string | undefined;
    let made: Attempt | undefined;
    try {
      made = await (await import('./probes.ts')).attemptOf(entry.probe.target);
    } catch (error) {
      failure = `cannot be tried: ${why(error)}`;
    }
    if (watch.ended || entry.cancel !== none) return;
    entry.cancel = undefined;
    entry.attempt = made;
    const now = performance.now();
    if (failure === undefined) start(id, watch, entry, now);
    else note(id, watch, entry, failure, now);
  }

  function wake(id: ServiceId, watch: Watch, entry: Entry, now: number): void {
    if (watch.ended) return;
    if (entry.cancel === undefined) {
      if (now >= entry.due) start(id, watch, entry, now);
      return;
    }
    if (now < entry.deadline) return;
    const { cancel } = entry;
    entry.cancel = undefined;
    note(id, watch, entry, cancel(within(entry.probe.timeout)), entry.deadline - entry.probe.timeout);
  }

  function note(id: ServiceId, watch: Watch, entry: Entry, failure: string | undefined, at: number): void {
    if (watch.ended) return;
    const before = entry.counted;
    entry.counted = count(before, failure, entry.probe, { at, graceUntil: watch.graceUntil });
    planNext(watch, entry, at);
    if (before === entry.counted) return;
    if (entry.probe.startup && entry.counted.passed && !before.passed) resume(watch);
    if (before.verdict !== entry.counted.verdict) tell(id, watch, entry, before);
  }

  function tell(id: ServiceId, watch: Watch, entry: Entry, { verdict }: Watched['counted']): void {
    const before: ProbeState = { probe: entry.probe, verdict, since: entry.since };
    const isNew = verdict.kind !== entry.counted.verdict.kind;
    if (isNew) entry.since = Date.now();
    const was = watch.state;
    const state = stateOf(watch.entries);
    watch.state = state;
    if (isReady(watch.entries)) settle(watch);
    if (isNew) for (const listener of probed) listener(id, stateIn(entry), before);
    // A listener may have begun it anew, which was told then.
    if (!watch.ended && watch.state === state && !isSame(was, state))
      for (const listener of changed) listener(id, state);
  }

  /** From start to start, without drift: what was missed meanwhile is passed over, never caught up with. */
  function planNext(watch: Watch, entry: Entry, at: number): void {
    const { every } = entry.probe;
    const now = performance.now();
    if (isEager(entry, watch.waiting.size > 0)) {
      entry.phased = false;
      plan(entry, Math.max(now, at + Math.min(every, EAGER)));
    } else if (entry.phased) {
      plan(entry, entry.due + every * (Math.max(0, Math.floor((now - entry.due) / every)) + 1));
    } else {
      // The first period is a random part of one, so that many are spread over it.
      entry.phased = true;
      plan(entry, now + Math.random() * every);
    }
  }

  /** What waited for the startup probe. */
  function resume(watch: Watch): void {
    for (const entry of watch.entries) {
      if (entry.due === Number.POSITIVE_INFINITY && entry.cancel === undefined) plan(entry, first(entry.probe));
    }
  }

  function entryOf(probe: Probe): Entry {
    return {
      probe,
      counted: FRESH,
      since: Date.now(),
      due: Number.POSITIVE_INFINITY,
      attempt: undefined,
      cancel: undefined,
      deadline: 0,
      phased: false,
      wake: () => {},
    };
  }

  function end(id: ServiceId): Watch | undefined {
    const watch = watches.get(id);
    if (watch === undefined) return undefined;
    watches.delete(id);
    watch.ended = true;
    for (const entry of watch.entries) {
      entry.cancel?.('');
      entry.cancel = undefined;
      entry.due = Number.POSITIVE_INFINITY;
    }
    return watch;
  }

  function forget(id: ServiceId): void {
    const watch = end(id);
    if (watch) settle(watch);
  }

  return {
    forget,
    watch(id, probes, as, process = NOBODY) {
      const before = end(id);
      const entries = probes.map(entryOf);
      const watch: Watch = {
        as,
        process,
        entries,
        // Who waits for the service waits on, for the process that is there now.
        waiting: before?.waiting ?? new Set(),
        state: { kind: probes.length > 0 ? 'unknown' : 'none' },
        graceUntil: performance.now() + process.grace,
        ended: false,
      };
      watches.set(id, watch);
      if (isReady(entries)) settle(watch);
      for (const entry of entries) {
        entry.wake = (now) => wake(id, watch, entry, now);
        if (!isSuspended(entries, entry)) plan(entry, watch.waiting.size > 0 ? performance.now() : first(entry.probe));
      }
    },
    again(id) {
      const watch = watches.get(id);
      if (watch === undefined) return;
      watch.graceUntil = performance.now() + (watch.process.wholeGrace ?? watch.process.grace);
      for (const entry of watch.entries) {
        const before = entry.counted;
        entry.counted = renewed(before);
        // What it has seen advance is forgotten with the rest.
        if (entry.cancel === undefined) entry.attempt = undefined;
        if (before.verdict.kind !== entry.counted.verdict.kind) tell(id, watch, entry, before);
        if (watch.ended) return;
      }
    },
    state(id) {
      return watches.get(id)?.state ?? { kind: 'none' };
    },
    probes(id) {
      return (watches.get(id)?.entries ?? []).map(stateIn);
    },
    pidOf(id) {
      return watches.get(id)?.process.pid();
    },
    async failingNow(id, which) {
      const watch = watches.get(id);
      if (watch === undefined) return [];
      const { tryTarget } = await import('./probes.ts');
      const pid = watch.process.pid();
      const failing = async ({ probe, counted }: Entry): Promise<boolean> => {
        const { target, timeout } = probe;
        if (target.kind === 'progress' || target.kind === 'process') return counted.verdict.kind === 'failing';
        const options = pid === undefined ? { timeout } : { timeout, pid };
        return (await tryTarget(target, watch.as, options, closing.signal)) !== undefined;
      };
      const asked = watch.entries.filter(({ probe }) => which(probe));
      const failed = await Promise.all(asked.map(failing));
      return asked.filter((_, i) => failed[i]).map(({ probe }) => probe);
    },
    isReady(id) {
      return isReady(watches.get(id)?.entries ?? []);
    },
    ready(id, signal) {
      const watch = watches.get(id);
      if (watch === undefined) return Promise.resolve({ kind: 'none' });
      if (isReady(watch.entries) || signal.aborted) return Promise.resolve(watch.state);
      return new Promise((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          const now = watches.get(id) ?? watch;
          now.waiting.delete(done);
          waiting -= 1;
          slots.hold(waiting > 0);
          resolve(now.state);
        };
        signal.addEventListener('abort', done);
        watch.waiting.add(done);
        waiting += 1;
        slots.hold(true);
        const now = performance.now();
        for (const entry of watch.entries) {
          const isIdle = entry.cancel === undefined && entry.due > now;
          if (isIdle && isForReadiness(entry.probe) && isEager(entry, true) && !isSuspended(watch.entries, entry)) {
            plan(entry, now);
          }
        }
      });
    },
    onChange(listener) {
      changed.push(listener);
    },
    onProbe(listener) {
      probed.push(listener);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      for (const id of [...watches.keys()]) forget(id);
      slots.close();
    },
  };
}

function first({ every }: Probe): number {
  return performance.now() + Math.random() * Math.min(every, SPREAD);
}

function settle(watch: Watch): void {
  for (const done of [...watch.waiting]) done();
}

/** But for the words of the reason, which may differ from try to try. */
function isSame(one: HealthState, other: HealthState): boolean {
  return equal({ ...one, why: '' } as Json, { ...other, why: '' } as Json);
}
