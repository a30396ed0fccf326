import type { Desired, ServiceId } from '../model.ts';
import { type Problem, why } from '../problem.ts';
import { formatRevision } from '../revision.ts';
import type { Condition } from './alert.ts';
import { type Book, createBook, type Doubt } from './book.ts';
import { compose } from './compose.ts';
import { createQueue, type Queue } from './queue.ts';
import { send } from './send.ts';
import { type Kept, readKept, saveKept, shifted } from './store.ts';
import { placeOf, type Target, targetsOf } from './targets.ts';

/** What telling tells: that a target can't be reached, told once, and that it can be again. */
export type AlertEvent =
  | { readonly kind: 'alert-failed'; readonly target: string; readonly place: string; readonly why: string }
  | {
      readonly kind: 'alert-works';
      readonly target: string;
      /** ms, for which it failed; and how many were given up meanwhile. */
      readonly after: number;
      readonly dropped: number;
    };

/** Tells people of what is wrong, as policy.yaml says. Nothing of it waits for anybody, and nothing throws. */
export interface Alerter {
  on(condition: Condition): void;
  off(key: string, how?: string): void;
  /** A service fails since something else does: that is told, in its place. */
  waits(service: ServiceId, on: string, why: string): void;
  waitsNoMore(service: ServiceId): void;
  current(): readonly Condition[];
  /** What was so before the daemon began, and nobody has spoken of since. */
  doubtful(): readonly Doubt[];
  /** There may be other targets by now. */
  look(): void;
  /** The targets that fail now. */
  failing(): readonly { readonly target: Target; readonly since: number; readonly why: string }[];
  /** Tells what it can within two seconds, and keeps the rest for the next daemon. */
  close(): Promise<void>;
}

export interface AlerterMeans {
  readonly stateDir: string;
  readonly host: string;
  /** What is in force. */
  readonly desired: () => Desired | undefined;
  readonly tell: (event: AlertEvent | { readonly kind: 'trouble'; readonly problem: Problem }) => void;
}

/** ms. What is heard is kept this soon, */
const SAVE = 250;
/** and what is left is tried for so long when the daemon ends. */
const PATIENCE = 2000;
/** ms. What is new is looked at this soon; a timer of Node's can't be longer than 24 days. */
const SOON = 2000;
const LONGEST = 3_600_000;

/** ms since the epoch, by a clock that nobody sets. */
const steady = () => Math.round(performance.timeOrigin + performance.now());

export function createAlerter({ stateDir, host, desired, tell }: AlerterMeans): Alerter {
  // Later: whoever is told may not be there yet, for it is he who makes this.
  const trouble = (summary: string) =>
    queueMicrotask(() => tell({ kind: 'trouble', problem: { code: 'alerts-unwritable', summary } }));
  const kept = readKept(stateDir, trouble);
  /** From the clock on the wall to the steady one. Less than a second is no other time: what is told twice is the same. */
  let apart = 0;
  const drift = (): number => {
    const now = Math.round(steady() - Date.now());
    if (Math.abs(now - apart) >= 1000) apart = now;
    return apart;
  };
  const book: Book = createBook(kept && shifted(kept.book, drift(), steady()));
  const waiting: Record<string, Kept['queues'][string]> = { ...kept?.queues };
  const queues = new Map<string, { readonly target: Target; readonly queue: Queue; readonly made: string }>();
  let timer: NodeJS.Timeout | undefined;
  let at = Number.POSITIVE_INFINITY;
  let saving: NodeJS.Timeout | undefined;
  let unwritable: string | undefined;
  let isClosed = false;
  let last: Pick<Desired, 'policy' | 'services'> | undefined;

  const save = () => {
    clearTimeout(saving);
    saving = undefined;
    const left = [...queues].map(([name, { queue }]) => [name, queue.left()] as const);
    const queued = left.filter(([, { alerts, dropped }]) => alerts.length + dropped > 0);
    try {
      saveKept(stateDir, {
        version: 1,
        book: shifted(book.save(), -drift()),
        queues: { ...waiting, ...Object.fromEntries(queued) },
      });
      unwritable = undefined;
    } catch (error) {
      const text = why(error);
      if (text !== unwritable) trouble(`cannot keep which alerts were told in ${stateDir}: ${text}`);
      unwritable = text;
    }
  };
  const saveSoon = () => {
    saving ??= setTimeout(save, SAVE).unref();
  };

  /** Those that are declared now, each with its queue; one that is declared otherwise begins anew with what is left. */
  const targets = () => {
    const now = desired();
    if (now === undefined || now === last) return queues;
    last = now;
    const wanted = targetsOf(now.policy.written);
    for (const [name, { queue, made }] of queues) {
      const same = wanted.find((one) => one.name === name);
      if (same !== undefined && JSON.stringify(same) === made) continue;
      queues.delete(name);
      if (same !== undefined) waiting[name] = queue.left();
      void queue.close(0);
    }
    for (const target of wanted) {
      const { name } = target;
      if (queues.has(name)) continue;
      const start = waiting[name];
      delete waiting[name];
      queues.set(name, { target, queue: queueOf(target, start), made: JSON.stringify(target) });
    }
    for (const name of Object.keys(waiting)) delete waiting[name];
    return queues;
  };
  const queueOf = (target: Target, start: Kept['queues'][string] | undefined): Queue => {
    const { name } = target;
    return createQueue({
      send: (alert, signal) => send(target, alert, signal),
      onFailed: (why) => tell({ kind: 'alert-failed', target: name, place: placeOf(target), why }),
      onWorks: (after, dropped) => tell({ kind: 'alert-works', target: name, after, dropped }),
      onChange: saveSoon,
      ...(start === undefined ? {} : { start }),
    });
  };

  const flush = (all = false) => {
    const known = desired();
    const open = targets();
    // What nobody is told of stays untold, until there is somebody.
    if (known === undefined || open.size === 0) return;
    const changes = book.tell(steady(), all);
    if (changes.length === 0) return;
    const shift = drift();
    const told = changes.map((one) => ({ ...one, since: one.since - shift, at: one.at - shift }));
    const subjects = new Map(known.services.map((service) => [service.id, service]));
    const origin = {
      host,
      owner: known.policy.owner,
      revision: formatRevision(known.revision),
      subjectOf: (id: ServiceId) => subjects.get(id) ?? { name: id.replace(/@\d+$/, '') },
    };
    for (const { target, queue } of open.values()) queue.push(compose(told, target.filter, origin));
    save();
  };
  /** Looks by then (ms), or earlier. */
  const arm = (when: number) => {
    if (isClosed || when >= at) return;
    clearTimeout(timer);
    at = when;
    timer = setTimeout(tick, Math.min(LONGEST, Math.max(0, when - steady()) + 1)).unref();
  };
  const tick = () => {
    at = Number.POSITIVE_INFINITY;
    try {
      flush();
    } catch (error) {
      // A defect of ours must not end what keeps services running.
      trouble(`cannot tell of what happened: ${String(error)}`);
    }
    const now = steady();
    if (targets().size > 0) arm(Math.max(now + 1, book.next(now) ?? Number.POSITIVE_INFINITY));
  };
  const heard = () => {
    if (isClosed) return;
    arm(steady() + SOON);
    if (targets().size > 0) saveSoon();
  };

  return {
    on: (condition) => {
      if (book.on(condition, steady())) heard();
    },
    off: (key, how) => {
      if (book.off(key, steady(), how)) heard();
    },
    waits: (service, on, why) => {
      book.waits(service, on, why, steady());
      heard();
    },
    waitsNoMore: (service) => {
      book.waitsNoMore(service, steady());
      heard();
    },
    current: () => book.current(),
    doubtful: () => book.doubtful(),
    look: () => arm(steady() + SOON),
    failing: () =>
      [...targets().values()].flatMap(({ target, queue }) => {
        const failing = queue.failing();
        return failing === undefined ? [] : [{ target, ...failing }];
      }),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      if (targets().size === 0) return;
      flush(true);
      await Promise.all([...queues.values()].map(({ queue }) => queue.close(PATIENCE)));
      save();
    },
  };
}
