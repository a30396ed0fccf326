import type { Cause, Desired, HostHealth, Level, Observed, ServiceId } from '../model.ts';
import { parseDuration } from '../units.ts';
import type { BoardEvent } from './board-event.ts';
import { type Blame, blameOf, causeOf, type Graph, graphOf, isFit } from './cause.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { type Entry, foundIn, isNews, lifeSeen, listText, NEW, whyOf } from './entry.ts';
import type { ProbeState } from './health.ts';
import { dueAt, levelOf, lifeAfter, nextStanding, rawLevel, type StateChange } from './level.ts';
import { createTally } from './tally.ts';

/** Keeps how well each service is, and what it waits for: the one place that joins runs, probes and who needs whom. */
export interface Board extends Disposable {
  /**
   * All that is declared and was observed, at each look. With a service of `open` something is about to be done, or waits
   * for its time: that it does not run says nothing.
   */
  see(desired: Desired, observed: Observed, open?: ReadonlySet<ServiceId>): void;
  /** What the embedded supervisor tells as it happens. */
  note(id: ServiceId, change: StateChange): void;
  levelOf(id: ServiceId): Level | undefined;
  causeOf(id: ServiceId): Cause | undefined;
  /** Its failing probes, those that are put down to its cause among them. */
  failing(id: ServiceId): readonly ProbeState[];
  /** By name, sorted, the level of each group's worst member. */
  groups(): ReadonlyMap<string, Level | undefined>;
  host(): HostHealth;
  /** Called once all that comes of a change is known. */
  onChange(listener: (event: BoardEvent) => void): void;
}

/** What the board asks of the monitor. */
export interface Probes {
  probes(id: ServiceId): readonly ProbeState[];
  again(id: ServiceId): void;
  onProbe(listener: (id: ServiceId) => void): void;
}

/** Where nobody probes. */
export const UNPROBED: Probes = { probes: () => [], again: () => {}, onProbe: () => {} };

/** ms. */
const DWELL = 10_000;

export function createBoard(monitor: Probes, clock: Clock = SYSTEM_CLOCK): Board {
  const entries = new Map<ServiceId, Entry>();
  const tally = createTally();
  const listeners: ((event: BoardEvent) => void)[] = [];
  /** When which levels get better. */
  const due = new Map<ServiceId, number>();
  let graph: Graph = graphOf([]);
  let callOff = () => {};
  let closed = false;
  let settling = false;
  /** Whose probes changed while others were being judged. */
  const late = new Set<ServiceId>();

  const look = (id: ServiceId) => entries.get(id);
  const tell = (events: readonly BoardEvent[]) => {
    for (const event of events) for (const listener of listeners) listener(event);
  };

  /** Brings one up to date with what is known of it and of what it needs. */
  const evaluate = (id: ServiceId, entry: Entry, now: number): void => {
    const needs = graph.needs.get(id);
    if (needs === undefined) return;
    entry.probes = monitor.probes(id);
    const judge = () => {
      const { life, probes, blame, service } = entry;
      const isLacking = blame !== undefined && (blame.kind === 'probe' || blame.need === 'requires');
      const isProbed = (service.written.health ?? []).length > 0;
      const raw = rawLevel({ life, probes, isProbed, isExcused: blame !== undefined, isLacking });
      entry.standing = nextStanding(entry.standing, raw, entry.dwell, now);
      entry.level = levelOf(entry.standing);
    };
    const blame = (on: Blame | undefined) => {
      const isOver = entry.blame !== undefined && on === undefined;
      entry.blame = on;
      if (!isOver) return;
      // Before it is judged by them: what failed because of that is not its own now.
      monitor.again(id);
      entry.probes = monitor.probes(id);
    };
    blame(blameOf(id, needs, look));
    judge();
    const later = blameOf(id, needs, look);
    // Its level has become well, or not, by that: only then it is to be judged otherwise.
    const isOther = (later === undefined) !== (entry.blame === undefined);
    blame(later);
    if (isOther) judge();
    if (isFit(entry)) entry.unfitSince = undefined;
    else entry.unfitSince ??= ('since' in entry.life ? entry.life.since : undefined) ?? now;
    const at = dueAt(entry.standing, entry.dwell);
    if (at === undefined) due.delete(id);
    else due.set(id, at);
  };

  /** Of these ids, in the order of the graph; what comes of it is told once all of it is known. */
  const settle = (ids: readonly ServiceId[]): void => {
    if (closed) return;
    settling = true;
    const now = clock.now();
    const all = ids.flatMap((id) => entries.get(id) ?? []);
    const before = all.map(({ level }) => level);
    for (const entry of all) evaluate(entry.service.id, entry, now);
    settling = false;
    const events = all.flatMap((entry, i): BoardEvent[] => {
      const [from, to, id] = [before[i], entry.level, entry.service.id];
      const was = entry.cause;
      entry.cause = causeOf(id, graph, look);
      if (from !== to) tally.move(entry.service.group, from, to);
      return [...waitingEvents(id, was, entry.cause, now), ...levelEvents(id, from, to, whyOf(entry))];
    });
    arm();
    tell([...events, ...tallied()]);
    const again = [...late];
    late.clear();
    if (again.length > 0) settle(graph.affected(again));
  };

  /** What of groups and of the host is another than it was. */
  const tallied = (): readonly BoardEvent[] =>
    tally.changes().flatMap(({ group, from, to }): BoardEvent[] => {
      if (!isNews(from, to)) return [];
      const why = to === undefined || to === 'HEALTHY' ? undefined : listText(worstIn(group));
      const of = group === undefined ? ({ of: 'host' } as const) : ({ of: 'group', group } as const);
      return [{ kind: 'level', ...of, from, to, why }];
    });

  /** What waits for something else comes last. */
  const worstIn = (group?: string): readonly ServiceId[] => {
    const level = tally.level(group);
    const all = [...entries.values()].filter(
      (entry) => entry.level === level && (group === undefined || entry.service.group === group),
    );
    const parts = Map.groupBy(all, ({ cause }) => cause === undefined);
    return [...(parts.get(true) ?? []), ...(parts.get(false) ?? [])].map(({ service }) => service.id);
  };

  const arm = (): void => {
    callOff();
    callOff = () => {};
    if (due.size === 0 || closed) return;
    callOff = clock.in(Math.max(0, Math.min(...due.values()) - clock.now()), () => {
      const now = clock.now();
      settle(graph.affected([...due].flatMap(([id, at]) => (at <= now ? [id] : []))));
    });
  };

  monitor.onProbe((id) => {
    if (settling) late.add(id);
    else if (entries.has(id)) settle(graph.affected([id]));
  });

  return {
    see: (desired, observed, open = new Set()) => {
      graph = graphOf(desired.services);
      const found = foundIn(observed);
      const policy = parseDuration(desired.policy.written.health?.dwell ?? '') ?? DWELL;
      const gone = new Map(entries);
      entries.clear();
      tally.clear();
      for (const service of desired.services) {
        const entry = gone.get(service.id) ?? { ...NEW, service };
        gone.delete(service.id);
        const life = lifeSeen(service, found(service), open.has(service.id));
        const dwell = parseDuration(service.written.dwell ?? '') ?? policy;
        entries.set(service.id, Object.assign(entry, { service, life, dwell }));
        tally.move(service.group, undefined, entry.level);
      }
      for (const id of gone.keys()) due.delete(id);
      const now = clock.now();
      tell(
        [...gone].flatMap(([id, { level, cause }]) => [
          ...waitingEvents(id, cause, undefined, now),
          ...levelEvents(id, level, undefined, undefined),
        ]),
      );
      settle(graph.order);
    },
    note: (id, change) => {
      const entry = entries.get(id);
      if (entry === undefined) return;
      entry.life = lifeAfter(entry.service, change, clock.now());
      settle(graph.affected([id]));
    },
    levelOf: (id) => entries.get(id)?.level,
    causeOf: (id) => entries.get(id)?.cause,
    failing: (id) => monitor.probes(id).filter(({ verdict }) => verdict.kind === 'failing'),
    groups: () => {
      const names = new Set([...entries.values()].flatMap(({ service }) => service.group ?? []));
      return new Map([...names].sort().map((name) => [name, tally.level(name)]));
    },
    host: () => {
      const level = tally.level();
      const worst = level === undefined || level === 'HEALTHY' ? [] : worstIn();
      return { level: level ?? null, services: { ...tally.count() }, worst };
    },
    onChange: (listener) => {
      listeners.push(listener);
    },
    [Symbol.dispose]: () => {
      closed = true;
      callOff();
    },
  };
}

function levelEvents(
  service: ServiceId,
  from: Level | undefined,
  to: Level | undefined,
  why: string | undefined,
): readonly BoardEvent[] {
  return isNews(from, to) ? [{ kind: 'level', of: 'service', service, from, to, why }] : [];
}

function waitingEvents(
  service: ServiceId,
  was: Cause | undefined,
  cause: Cause | undefined,
  now: number,
): readonly BoardEvent[] {
  if (cause !== undefined && (cause.on !== was?.on || cause.kind !== was.kind))
    return [{ kind: 'waiting-for', service, cause }];
  return was !== undefined && cause === undefined
    ? [{ kind: 'waiting-over', service, on: was.on, after: now - was.since }]
    : [];
}
