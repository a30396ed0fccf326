import { type Act, type Acted, actOn, type Deed } from '../health/act.ts';
import type { Monitor } from '../health/health.ts';
import type { Report, ServiceId } from '../model.ts';
import { Failure, why } from '../problem.ts';
import type { Request } from '../request.ts';
import type { Restarts } from '../restarts/restarts.ts';
import type { Suspicion } from './suspicion.ts';

export type UnwellEvent = { readonly kind: 'acted' } & Acted;

export interface UnwellMeans {
  readonly monitor: Pick<Monitor, 'probes' | 'pidOf' | 'onProbe'>;
  readonly restarts: Pick<Restarts, 'ask' | 'in' | 'breaker'>;
  /** What a service depends on that is not well. */
  readonly causeOf: (id: ServiceId) => { readonly on: string } | undefined;
  readonly suspicion: Suspicion;
  /** Git has changed it, and it has yet to stay well. */
  readonly isSoaking: (id: ServiceId) => boolean;
  /** `mode: observe`, of it or of everything. */
  readonly isObserved: (id: ServiceId) => boolean;
  /** Writes down, while nothing is applied, that it is to be stopped until a person starts it. */
  readonly stop: (id: ServiceId, failing: { probe: string; why: string; pid: number }) => Promise<void>;
  /** Goes back with it to the last good commit at which it was otherwise; why not, where there is none. */
  readonly rollBack: (id: ServiceId, probe: string) => Promise<string | undefined>;
  readonly nudge: (cause: string) => void;
  readonly tell: (event: UnwellEvent) => void;
}

/** Does what failing probes want done (`onFailure`), within budgets, and never for what a dependency does. */
export interface Unwell extends Disposable {
  /** The restarts that were granted, and are yet to be made: part of every run. */
  readonly pending: NonNullable<Request['unwell']>;
  /** It waits for something that it depends on, from now on. */
  spare(id: ServiceId): void;
  /** What a run did. */
  end(report: Pick<Report, 'steps'>): void;
}

type Failing = Extract<Act, { readonly kind: 'act' }>;

/** ms. How soon it is looked again at what is being verified, or what could not be done. */
const AGAIN = 1000;
const AFTER_FAILURE = 30_000;
const LONGEST = 3_600_000;

/*
 *                probe fails             granted                  the step was taken
 *   calm ───────────────────> looks ───────────────> pending ───────────────────────────> calm
 *     ^                        │  ^                     │  (held by a gate or a person: goes on pending)
 *     │       a dependency     │  │ again               │
 *     │       fails as well,   v  │                     │
 *     │       or refused      waiting                   │
 *     └────── probes pass, or another process ──────────┘
 */
export function createUnwell(means: UnwellMeans): Unwell {
  const { monitor, restarts, suspicion, tell } = means;
  const pending = new Map<ServiceId, { probe: string; why: string; pid: number }>();
  const timers = new Map<ServiceId, NodeJS.Timeout>();
  /** What was told of the failure that goes on: once is enough. */
  const told = new Map<ServiceId, string>();
  const busy = new Set<ServiceId>();
  let closed = false;

  const say = (service: ServiceId, { deed, probe, why }: Failing, outcome: Acted['outcome']) => {
    const text = JSON.stringify([deed, probe, outcome.kind, 'because' in outcome ? outcome.because : '']);
    if (told.get(service) === text) return;
    told.set(service, text);
    tell({ kind: 'acted', service, probe, why, what: deed, outcome });
  };

  const again = (id: ServiceId, wait: number) => {
    clearTimeout(timers.get(id));
    timers.set(
      id,
      setTimeout(() => consider(id), Math.min(LONGEST, Math.max(AGAIN, wait))),
    );
  };

  const calm = (id: ServiceId) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
    pending.delete(id);
    told.delete(id);
    suspicion.end(id);
  };

  const actNow = (id: ServiceId): Act =>
    actOn(monitor.probes(id), { cause: means.causeOf(id), soaking: means.isSoaking(id) });

  const consider = (id: ServiceId): void => {
    if (closed || busy.has(id)) return;
    const act = actNow(id);
    switch (act.kind) {
      case 'nothing': {
        // Without its process, or with the next, it is being restarted for that: what came of it is told when that is over.
        const of = pending.get(id);
        if (of === undefined || of.pid === monitor.pidOf(id)) calm(id);
        break;
      }
      case 'waits':
        // Its probes begin anew when that is over.
        pending.delete(id);
        suspicion.end(id);
        break;
      case 'verified':
        again(id, AGAIN);
        break;
      case 'act':
        void look(id, act);
    }
  };

  /** Before anything is done: what it depends on may have gone down at the same time, and is not known to be down yet. */
  const look = async (id: ServiceId, act: Failing): Promise<void> => {
    busy.add(id);
    const waits = await suspicion.isOpen(id);
    busy.delete(id);
    if (closed) return;
    if (waits) {
      again(id, AGAIN);
      return;
    }
    const now = actNow(id);
    if (now.kind !== 'act' || now.deed !== act.deed) consider(id);
    else attempt(id, now);
  };

  const attempt = (id: ServiceId, act: Failing): void => {
    const breaker = restarts.breaker();
    if (means.isObserved(id)) say(id, act, { kind: 'would' });
    else if (breaker.kind !== 'open') DO[act.deed](id, act);
    else {
      say(id, act, { kind: 'refused', because: breaker.why, until: breaker.until });
      again(id, restarts.in(breaker.until));
    }
  };

  /** Something that takes a while, and of which there is no other at a time for one service. */
  const during = (id: ServiceId, act: Failing, work: () => Promise<Acted['outcome']>) => {
    busy.add(id);
    work()
      .catch((error: unknown): Acted['outcome'] => ({ kind: 'failed', because: reasonOf(error) }))
      .then((outcome) => {
        busy.delete(id);
        if (closed) return;
        say(id, act, outcome);
        if (outcome.kind === 'failed') again(id, AFTER_FAILURE);
      });
  };

  const DO: Readonly<Record<Deed, (id: ServiceId, act: Failing) => void>> = {
    restart: (id, act) => {
      const pid = monitor.pidOf(id);
      if (pid === undefined || pending.get(id)?.pid === pid) return;
      const verdict = restarts.ask(id, 'probe');
      if (verdict.kind === 'refused') {
        say(id, act, { kind: 'refused', because: verdict.why, until: verdict.until });
        return again(id, restarts.in(verdict.until));
      }
      pending.set(id, { probe: act.probe, why: act.why, pid });
      means.nudge(`${id} is not well`);
    },
    stop: (id, act) => {
      const pid = monitor.pidOf(id);
      if (pid === undefined) return;
      during(id, act, async () => {
        await means.stop(id, { probe: act.probe, why: act.why, pid });
        means.nudge(`${id} is not well`);
        return { kind: 'done' };
      });
    },
    rollback: (id, act) => {
      during(id, act, async () => {
        const because = await means.rollBack(id, act.probe);
        return because === undefined ? { kind: 'done' } : { kind: 'refused', because };
      });
    },
  };

  monitor.onProbe((id, { probe }) => {
    if (probe.onFailure !== 'none' && probe.onFailure !== 'alert') consider(id);
  });

  return {
    pending,
    spare: (id) => void pending.delete(id),
    end: ({ steps }) => {
      for (const { step, outcome } of steps) {
        const { service: id, reason } = step;
        const of = pending.get(id);
        if (reason.kind !== 'unhealthy' || of === undefined || step.effect !== 'restart') continue;
        pending.delete(id);
        const act = { kind: 'act', deed: 'restart', probe: reason.probe, why: reason.why } as const;
        if (outcome.kind === 'done') {
          told.delete(id);
          tell({ kind: 'acted', service: id, ...bare(act), outcome: { kind: 'done' } });
        } else {
          say(id, act, { kind: 'failed', because: outcome.problem.summary });
          again(id, AFTER_FAILURE);
        }
      }
      // Another process is another beginning.
      for (const [id, { pid }] of pending) if (monitor.pidOf(id) !== pid) calm(id);
    },
    [Symbol.dispose]: () => {
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function bare({ deed, probe, why }: Failing): Pick<Acted, 'what' | 'probe' | 'why'> {
  return { what: deed, probe, why };
}

function reasonOf(error: unknown): string {
  return error instanceof Failure ? error.problems.map(({ summary }) => summary).join('; ') : why(error);
}
