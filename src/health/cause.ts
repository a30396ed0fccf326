import type { Cause, Level, Service, ServiceId, ServiceName } from '../model.ts';
import type { ProbeState } from './health.ts';
import type { Life } from './level.ts';

/** A service that another one needs, with the ids that its name stands for: one of its instances is enough. */
export interface Need {
  readonly name: ServiceName;
  readonly ids: readonly ServiceId[];
}

export interface Needs {
  readonly name: ServiceName;
  readonly requires: readonly Need[];
  readonly after: readonly Need[];
  /** The names of its dependency probes. */
  readonly dependencies: readonly string[];
}

/** Who depends on whom, as Git says. */
export interface Graph {
  readonly needs: ReadonlyMap<ServiceId, Needs>;
  /** All ids, each behind those that it requires. */
  readonly order: readonly ServiceId[];
  /** These and all that depend on one of them, however far, in `order`. */
  affected(ids: Iterable<ServiceId>): readonly ServiceId[];
}

export function graphOf(services: readonly Service[]): Graph {
  const byName = Map.groupBy(services, ({ name }) => name);
  const named = new Map([...byName].map(([name, all]) => [name, { name, ids: all.map(({ id }) => id) }]));
  const find = (names: readonly ServiceName[], own: ServiceName) =>
    names.flatMap((name) => (name === own ? [] : (named.get(name) ?? [])));
  const needs = new Map<ServiceId, Needs>();
  const dependents = new Map<ServiceId, ServiceId[]>();
  for (const { id, name, after, written } of services) {
    const dependencies = (written.health ?? []).flatMap(({ name, about }) => (about === 'dependency' ? [name] : []));
    const own = { name, requires: find(written.requires ?? [], name), after: find(after, name), dependencies };
    needs.set(id, own);
    for (const { ids } of [...own.requires, ...own.after]) {
      for (const before of ids) {
        const list = dependents.get(before);
        if (list) list.push(id);
        else dependents.set(before, [id]);
      }
    }
  }
  const order = ordered(needs);
  const place = new Map(order.map((id, i) => [id, i]));
  return {
    needs,
    order,
    affected: (ids) => {
      const found = new Set<ServiceId>();
      const open = [...ids].filter((id) => needs.has(id));
      for (let id = open.pop(); id !== undefined; id = open.pop()) {
        if (found.has(id)) continue;
        found.add(id);
        open.push(...(dependents.get(id) ?? []));
      }
      return [...found].sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
    },
  };
}

/** What is required first. A circle, which no valid desired state has, is cut where it is met. */
function ordered(needs: ReadonlyMap<ServiceId, Needs>): readonly ServiceId[] {
  const order = new Set<ServiceId>();
  const begun = new Set<ServiceId>();
  for (const first of needs.keys()) {
    const open = [first];
    for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
      const waits = begun.has(id)
        ? []
        : (needs.get(id)?.requires ?? []).flatMap(({ ids }) => ids).filter((other) => !begun.has(other));
      begun.add(id);
      if (waits.length > 0) open.push(...waits);
      else order.add(open.pop() ?? id);
    }
  }
  return [...order];
}

/** What is known of one service when causes are looked for. */
export interface Known {
  readonly life: Life;
  readonly level: Level | undefined;
  readonly probes: readonly ProbeState[];
  /** What it waits for itself. */
  readonly blame: Blame | undefined;
  /** Since when (ms since the epoch) it is not fit for those that need it. */
  readonly unfitSince: number | undefined;
}

/** What a service's trouble is put down to: the next link of the chain. */
export type Blame =
  | { readonly kind: 'probe'; readonly probe: string; readonly since: number; readonly why: string }
  | { readonly kind: 'service'; readonly need: 'requires' | 'after'; readonly id: ServiceId };

export type Look = (id: ServiceId) => Known | undefined;

/** Can those that require it do their work, as far as it is concerned? */
export function isFit({ life, level, blame }: Pick<Known, 'life' | 'level' | 'blame'>): boolean {
  if (life.kind === 'done') return true;
  if (life.kind === 'down' || life.kind === 'idle' || blame !== undefined) return false;
  return level !== 'DEAD' && level !== 'CRITICAL';
}

/**
 * What a service waits for, if anything:
 * 1. its own dependency probe that fails, or did so before its process ended and has not passed since;
 * 2. a service that it requires, of which no instance is fit;
 * 3. where it is not well itself, a service that it is started after, of which no instance runs at all.
 * One that is not meant to run waits for nothing. Pure.
 */
export function blameOf(id: ServiceId, { requires, after, dependencies }: Needs, look: Look): Blame | undefined {
  const own = look(id);
  if (own === undefined || own.life.kind === 'idle' || own.life.kind === 'done') return undefined;
  for (const { probe, verdict, since } of own.probes) {
    if (probe.about === 'dependency' && verdict.kind === 'failing')
      return { kind: 'probe', probe: probe.name, since, why: verdict.why };
  }
  if (own.blame?.kind === 'probe' && dependencies.includes(own.blame.probe) && isOpen(own, own.blame.probe))
    return own.blame;
  const required = last(requires, look, (known) => !isFit(known));
  if (required !== undefined) return { kind: 'service', need: 'requires', id: required };
  if (isWell(own)) return undefined;
  const before = last(after, look, ({ life }) => life.kind === 'down' || life.kind === 'idle');
  return before === undefined ? undefined : { kind: 'service', need: 'after', id: before };
}

/** Nobody has asked that probe since: its process is not there yet, or is too young. */
function isOpen({ life, probes }: Known, name: string): boolean {
  if (life.kind === 'down' && life.returns !== true) return false;
  const state = probes.find(({ probe }) => probe.name === name);
  return state === undefined || state.verdict.kind === 'unknown';
}

/** Its level stays for a while: what ends and is started again and again is not well in between. */
function isWell({ life, level, probes }: Known): boolean {
  if (life.kind === 'down' || (level !== undefined && level !== 'HEALTHY')) return false;
  return probes.every(({ verdict }) => verdict.kind !== 'failing');
}

/** Of the first need all of whose instances are lacking, the one that was the last to be so. */
function last(needs: readonly Need[], look: Look, isLacking: (known: Known) => boolean): ServiceId | undefined {
  for (const { ids } of needs) {
    // What nothing is known of is no reason to blame it.
    const all = ids.map((id) => ({ id, known: look(id) }));
    if (all.length === 0 || !all.every(({ known }) => known !== undefined && isLacking(known))) continue;
    const [first, ...more] = all;
    const since = ({ known }: (typeof all)[number]) => known?.unfitSince ?? Number.NEGATIVE_INFINITY;
    return more.reduce((latest, one) => (since(one) > since(latest ?? one) ? one : latest), first)?.id;
  }
  return undefined;
}

/** The root of what a service waits for, and the services between. Where that goes round, it is what comes next. */
export function causeOf(id: ServiceId, graph: Pick<Graph, 'needs'>, look: Look): Cause | undefined {
  const via: ServiceId[] = [];
  for (let blame = look(id)?.blame; blame !== undefined; ) {
    if (blame.kind === 'probe') return { kind: 'probe', on: blame.probe, since: blame.since, why: blame.why, via };
    const [next = blame.id] = via;
    const isRound = blame.id === id || via.includes(blame.id);
    const root = look(isRound ? next : blame.id);
    if (root === undefined) return undefined;
    if (isRound || root.blame === undefined) {
      const end = isRound ? next : blame.id;
      const on = graph.needs.get(end)?.name ?? end;
      const since = root.unfitSince ?? look(id)?.unfitSince ?? 0;
      return { kind: 'service', on, since, why: whyUnfit(root), via: isRound ? [] : via };
    }
    via.push(blame.id);
    blame = root.blame;
  }
  return undefined;
}

/** In words, what is the matter with a service. */
export function whyUnfit({ life, level, probes }: Pick<Known, 'life' | 'level' | 'probes'>): string {
  if (life.kind === 'down' || life.kind === 'idle') return life.why;
  const failing = failingText(probes);
  return failing === undefined ? `it is ${level ?? 'not well'}` : `it is ${level ?? 'not well'}: ${failing}`;
}

/** `api: status 503; disk: it was not written for 5m` */
export function failingText(probes: readonly ProbeState[]): string | undefined {
  const failing = probes.flatMap(({ probe, verdict }) =>
    verdict.kind === 'failing' ? [`${probe.name}: ${verdict.why}`] : [],
  );
  return failing.length === 0 ? undefined : failing.join('; ');
}
