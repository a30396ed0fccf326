import { type Board, createBoard, type Probes } from '../health/board.ts';
import type { Monitor } from '../health/health.ts';
import type { Desired, HealthState, Observed, Plan, Report, ServiceId } from '../model.ts';
import type { Prepared } from '../prepare.ts';
import type { DaemonEvent } from './event.ts';

/** Keeps a daemon's board up to date: with each run, each look, and what is told as it happens. */
export interface Wellness extends Disposable {
  readonly board: Board;
  /** What its probes say; while it waits for something, what fails is not about itself. */
  stateOf(id: ServiceId): HealthState;
  /** Has to hear all that is told. */
  hear(event: DaemonEvent): void;
  /** A run begins, and is over; until it has planned nobody knows what it is about to do. */
  around<T>(run: () => Promise<T>): Promise<T>;
  /** It has planned, and is about to do it. */
  begin(prepared: Prepared): void;
  /** It has done it; `observe` looks again, where anything was done. */
  end(report: Report, observe: (desired: Desired) => Promise<Observed>): Promise<void>;
  /** All is about to be stopped, as was asked for: none of it is unwell for that. */
  leave(): void;
  /** Somebody else has looked. */
  see(desired: Desired, observed: Observed): void;
}

/** What a run is about to do something with: all of it is unknown until it has planned. */
type Doing = { readonly kind: 'planning' } | { readonly kind: 'known'; readonly services: ReadonlySet<ServiceId> };

const NOTHING: Doing = { kind: 'known', services: new Set() };

export function keepWellness(monitor: Probes & Pick<Monitor, 'state'>): Wellness {
  const board = createBoard(monitor);
  let doing: Doing = NOTHING;
  let prepared: Prepared | undefined;
  let left = false;
  return {
    board,
    stateOf: (id) => {
      const state = monitor.state(id);
      return state.kind === 'unhealthy' && board.causeOf(id) !== undefined ? { ...state, about: 'dependency' } : state;
    },
    hear: (event) => {
      if (event.kind === 'state' && !left) board.note(event.service, event);
    },
    around: async (run) => {
      const before = doing;
      doing = { kind: 'planning' };
      try {
        return await run();
      } finally {
        if (doing.kind === 'planning') doing = before;
        // It came to no end, and does no more.
        if (prepared !== undefined) doing = { kind: 'known', services: waitingIn(prepared.plan) };
        prepared = undefined;
      }
    },
    begin: (given) => {
      prepared = given;
      const { desired, observed, plan } = given;
      const services = new Set([...plan.steps.map(({ service }) => service), ...waitingIn(plan)]);
      doing = { kind: 'known', services };
      board.see(desired, observed, services);
    },
    end: async ({ steps }, observe) => {
      if (prepared === undefined) return;
      const { desired, plan } = prepared;
      prepared = undefined;
      doing = { kind: 'known', services: waitingIn(plan) };
      if (steps.length > 0) board.see(desired, await observe(desired), doing.services);
    },
    leave: () => {
      left = true;
    },
    see: (desired, observed) => {
      if (!left && doing.kind === 'known') board.see(desired, observed, doing.services);
    },
    [Symbol.dispose]: () => board[Symbol.dispose](),
  };
}

/** What is to be made, and may not be yet: nobody misses it. */
function waitingIn({ held }: Plan): ReadonlySet<ServiceId> {
  return new Set(
    held.flatMap(({ service, reason }) =>
      'waits' in reason && (reason.waits.action === 'create' || reason.waits.action === 'handover') ? [service] : [],
    ),
  );
}
