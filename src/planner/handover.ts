import type {
  Actual,
  Begun,
  Definition,
  Drift,
  Handover,
  Held,
  Predecessor,
  Reason,
  Service,
  ServiceId,
  Step,
} from '../model.ts';
import type { Problem } from '../problem.ts';
import { nameOfThing, type Taken, type Thing, type ThingState } from '../thing.ts';
import { alive, type Draft, remove, step, waits } from './draft.ts';
import { writesFor } from './files.ts';
import type { Owned } from './world.ts';

/** What is there in the place of one service. */
export interface InPlace {
  /** What it supersedes, as it is now. `copy`: it runs the service; else it is what restarts it. */
  readonly things: readonly { readonly thing: Thing; readonly state: ThingState; readonly copy: boolean }[];
  /** Its definition with no start at boot: until the old way is given up. */
  readonly interim?: Definition;
  readonly begun?: Begun;
  /** Its last handover to what Git wants now failed. */
  readonly reversed?: { readonly at: number; readonly problem: Problem };
  /** ms */
  readonly soak: number;
  /** ms. How long the old one has to end. */
  readonly patience: number;
}

export const EMPTY: InPlace = { things: [], soak: 0, patience: 0 };

/** What a service needs for its handover to be decided. */
export interface HandoverCase {
  readonly service: Service;
  readonly actual: Actual | undefined;
  readonly definition: Definition | undefined;
  /** Ours, of the same service, under other supervisors or names. */
  readonly elsewhere: readonly Owned[];
  readonly place: InPlace;
  readonly owner: string;
  readonly asked: boolean;
  /** Why it can't be started now. */
  readonly blocked: Problem | undefined;
  /** Git has not changed since it was as desired, and what somebody did meanwhile is to be left. */
  readonly drifting: Drift | undefined;
  /** What else the service needs by itself. */
  readonly draft: Draft;
}

/**
 * What has to go before a service is its supervisor's alone: a handover where something else runs it, a retirement where
 * nothing takes its place or only what restarts it is left. The draft as it was where nothing is in its place.
 */
export function withHandover(c: HandoverCase): Draft {
  const draft = decideHandover(c);
  const missing = c.place.things.filter(({ state }) => state.kind === 'absent').map(({ thing }) => nameOfThing(thing));
  if (c.actual !== undefined || missing.length === 0 || draft.held?.kind === 'unreadable') return draft;
  return { ...draft, notices: [...draft.notices, { kind: 'not-there', service: c.service.id, things: missing }] };
}

function decideHandover(c: HandoverCase): Draft {
  const { service, place, elsewhere, draft, asked } = c;
  const unreadable = place.things.find(({ state }) => state.kind === 'unreadable')?.state;
  if (unreadable?.kind === 'unreadable') return held(c, { kind: 'unreadable', problem: unreadable.problem });
  const other = place.things.find(
    ({ state }) => state.kind === 'there' && (state.taken?.owner ?? c.owner) !== c.owner,
  )?.state;
  if (other?.kind === 'there') return held(c, { kind: 'foreign', owner: other.taken?.owner ?? '' });
  const things = place.things.flatMap(({ thing, state, copy }): Of<'thing'>[] =>
    state.kind === 'there' && isInForce(thing, state) ? [{ kind: 'thing', thing, state, copy }] : [],
  );
  const copies = things.filter(({ copy }) => copy);
  const wanted = service.state !== 'absent' && service.state !== 'disabled' && service.state !== 'stopped';
  const moves = elsewhere.length > 0 || (wanted && copies.length > 0);
  // Beside what runs already as it should, a copy is only in the way.
  const beside = elsewhere.length === 0 && place.begun === undefined && alreadyRuns(c);
  if (!moves || beside) {
    // Nothing is stopped for what can't be started.
    const waits = things.length === 0 || (wanted && draft.held !== undefined && KEEPS.has(draft.held.kind));
    return waits ? draft : { ...draft, steps: [retire(c, things), ...draft.steps] };
  }
  if (draft.held !== undefined && KEEPS.has(draft.held.kind)) return { ...draft, steps: [] };
  if (
    place.reversed !== undefined &&
    !asked &&
    !isNowhere(c, [...copies, ...elsewhere.map((one) => own(service, one))])
  )
    return held(c, { kind: 'reversed', ...place.reversed });
  if (c.blocked !== undefined && !alreadyRuns(c)) return held(c, { kind: 'blocked', problem: c.blocked });
  if (isSomebodys(c, copies)) return held(c, { kind: 'drift', what: 'started' });
  const others = things.filter(({ copy }) => !copy);
  const over = handOver(c, [...copies, ...elsewhere.map((owned) => own(c.service, owned))]);
  return others.length === 0 ? over : { ...over, steps: [retire(c, others), ...over.steps] };
}

function alreadyRuns({ actual }: HandoverCase): boolean {
  return actual !== undefined && alive(actual.run);
}

/** It ran, its handover was reversed, and the old one could not be started again: nothing runs, and nobody else sees to it. */
function isNowhere(c: HandoverCase, from: readonly Predecessor[]): boolean {
  return c.place.begun?.ran === true && !from.some(isUp) && !alreadyRuns(c);
}

type Of<K extends Predecessor['kind']> = Extract<Predecessor, { readonly kind: K }>;

/** Why a service is held that no handover gets past. */
const KEEPS: ReadonlySet<Held['reason']['kind']> = new Set(['unreadable', 'foreign', 'blocked', 'duel', 'handover']);

/** It runs, would be started by somebody else than us, or was only kept from that until the next boot. */
function isInForce(thing: Thing, state: Extract<ThingState, { kind: 'there' }>): boolean {
  if (state.processes.length > 0 || state.starting || state.blocked === 'until-boot') return true;
  return state.enabled && (thing.kind === 'process' ? false : state.blocked !== 'for-good');
}

/** Git had it all as desired, then somebody started the old one in place of the new: a person's way back. */
function isSomebodys(c: HandoverCase, copies: readonly Of<'thing'>[]): boolean {
  const { drifting, asked, place } = c;
  if (asked || drifting !== 'hold' || place.begun !== undefined) return false;
  return copies.some(({ state }) => state.processes.length > 0) && !alreadyRuns(c);
}

function held({ service }: HandoverCase, reason: Held['reason']): Draft {
  return { service: service.id, supervisor: service.supervisor, steps: [], held: reason, notices: [] };
}

/** One for each, in the same order. */
function marksOf({ service, owner }: HandoverCase, from: readonly Predecessor[], begun: Begun | undefined): Taken[] {
  return from.map((one): Taken => {
    const by = service.id;
    if (one.kind === 'own') return { owner, by, enabled: true, ran: isUp(one) || begun?.ran === true };
    const { enabled, taken } = one.state;
    return taken ?? { owner, by, enabled, ran: isUp(one) || (begun?.ran === true && one.copy) };
  });
}

function retire(c: HandoverCase, from: readonly Of<'thing'>[]): Step {
  const { service, actual, place } = c;
  const up = from.some(({ state }) => state.processes.length > 0);
  const reason: Reason = { kind: 'superseded', things: from.map(({ thing }) => nameOfThing(thing)) };
  const handover: Handover = {
    from,
    starts: false,
    order: 'stop-first',
    soak: 0,
    patience: place.patience,
    runs: false,
    marks: marksOf(c, from, undefined),
  };
  return { ...step('retire', service, reason, up ? 'stop' : 'none', actual), handover };
}

/** Ours elsewhere: what stops it, starts it there again, and in the end removes it. */
export function own(service: Service, { actual, supervisor }: Owned): Of<'own'> {
  const { hash = '', fields = {}, files } = actual.definition;
  const unit = typeof fields.unit === 'string' ? { unit: fields.unit } : {};
  const { unit: _, ...written } = service.written;
  const { instance: __, ...rest } = service;
  const [name = '', number] = actual.id.split('@');
  const instance = number === undefined ? {} : { instance: Number(number) };
  const old: Service = {
    ...rest,
    ...instance,
    id: actual.id,
    name,
    supervisor,
    written: { ...written, ...unit },
    after: [],
  };
  return {
    kind: 'own',
    supervisor,
    id: actual.id,
    run: actual.run,
    again: {
      target: { service: old, definition: { hash, fields, ...(files === undefined ? {} : { files }) } },
      removal: remove(actual, supervisor, { kind: 'renamed', to: service.id }),
    },
    ...(supervisor === 'systemd' ? { thing: { kind: 'unit', unit: unit.unit ?? `${actual.id}.service` } } : {}),
  };
}

function isUp(from: Predecessor): boolean {
  if (from.kind === 'own') return alive(from.run) || waits(from.run);
  return from.state.processes.length > 0 || from.state.starting === true;
}

function handOver(c: HandoverCase, from: readonly Predecessor[]): Draft {
  const { service, actual, definition, place, asked, draft } = c;
  const { id, supervisor, state } = service;
  if (definition === undefined) throw new Error(`no definition of ${id}`);
  const { begun, soak, patience, interim = definition } = place;
  const ran = from.some(isUp) || begun?.ran === true;
  const runs = alreadyRuns(c);
  const starts =
    state === 'running' ? service.autostart || ran || asked || runs : state === 'manual' && (ran || asked || runs);
  const handover: Handover = {
    from,
    starts,
    order: service.written.handover ?? 'stop-first',
    soak,
    patience,
    ...(begun === undefined ? {} : { begun }),
    runs,
    marks: marksOf(c, from, begun),
    interim: { service: { ...service, autostart: false }, definition: interim },
    ...(actual === undefined ? { created: true } : {}),
  };
  const names = from.map((one) => (one.kind === 'thing' ? nameOfThing(one.thing) : `${one.supervisor} ${one.id}`));
  const reason: Reason = { kind: 'superseded', things: names };
  const made = { service, definition };
  if (runs) {
    const over: Step = { ...step('handover', service, reason, 'pid unchanged', actual, made), handover };
    const rest = draft.steps.map((later) => ({ ...later, after: [...later.after, over.id] }));
    return { ...draft, steps: [over, ...rest] };
  }
  const load = loadOf(service, actual, interim);
  const before = load === undefined ? actual : loadedAs(id, actual, interim);
  const same = interim.hash === definition.hash;
  const over: Step = {
    ...step('handover', service, reason, starts ? (ran ? 'restart' : 'start') : ran ? 'stop' : 'none', undefined, made),
    ...(before === undefined ? {} : writesFor(before, definition, same && interim.files === definition.files)),
    after: load === undefined ? [] : [load.id],
    handover,
  };
  return {
    service: id,
    supervisor,
    steps: load === undefined ? [over] : [load, over],
    notices: draft.notices.filter(({ kind }) => kind !== 'first-start' || !starts),
  };
}

/** What is there once it is loaded. */
export function loadedAs(id: ServiceId, actual: Actual | undefined, interim: Definition): Actual {
  const definition = { ...interim, files: interim.files ?? [] };
  if (actual !== undefined) return { ...actual, definition };
  const run = { kind: 'stopped', started: false } as const;
  return { kind: 'actual', id, owner: { kind: 'ours' }, definition, run, restarts: 0 };
}

/** The new definition is written and loaded before anything is stopped; nothing starts it. */
export function loadOf(service: Service, actual: Actual | undefined, interim: Definition): Step | undefined {
  const target = { service: { ...service, autostart: false }, definition: interim };
  const reason: Reason = actual === undefined ? { kind: 'missing' } : { kind: 'superseded', things: [] };
  const writes = writesFor(actual, interim, actual?.definition.hash === interim.hash);
  if (actual === undefined) return { ...step('create', service, reason, 'none', actual, target), ...writes };
  if (writes.files === undefined && writes.boot === undefined && actual.definition.hash === interim.hash)
    return undefined;
  return { ...step('replace', service, reason, 'none', actual, target), ...writes };
}
