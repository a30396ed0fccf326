import type { Held, Predecessor, Service, ServiceId, Step } from '../model.ts';
import { closure, topological } from '../order.ts';
import { alive, type Draft, isHandover, startsIt } from './draft.ts';
import { exitAllowed } from './exits.ts';
import type { InPlace } from './handover.ts';
import { formerIds } from './names.ts';
import type { World } from './world.ts';

/** What is interrupted together, and how many services of the group that takes down. */
interface Unit {
  readonly drafts: readonly Draft[];
  /** Those among them that wait where there is no room. */
  readonly own: readonly ServiceId[];
  readonly begins: readonly Step[];
  readonly down: readonly ServiceId[];
}

export interface Turns {
  readonly drafts: readonly Draft[];
  readonly steps: readonly Step[];
  /** What each step waits for, by id; gets what has to be waited for so that they take turns. */
  readonly after: ReadonlyMap<string, Set<string>>;
  readonly services: readonly Service[];
  readonly world: World;
  readonly inPlace: ReadonlyMap<ServiceId, InPlace>;
  /** By group. */
  readonly max: ReadonlyMap<string, number>;
}

type NoRoom = Omit<Extract<Held['reason'], { readonly kind: 'unavailable' }>, 'waits'>;

/** Why a service can't have its turn in this plan, by its id. */
export type Stuck = ReadonlyMap<ServiceId, NoRoom>;

/**
 * Of each group that says so, no more services than it allows are down at a time: what interrupts them comes by so many,
 * all of which are done before the next begin, and so what fails keeps the rest as they are. Those that are down already
 * count, unless they are started first. Gives the services for which that leaves no room.
 */
export function takeTurns(turns: Turns): Stuck {
  const stuck = new Map<ServiceId, NoRoom>();
  for (const [group, max] of [...turns.max].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const tell = ({ own }: Unit, down: readonly ServiceId[]) => {
      for (const service of own) stuck.set(service, { kind: 'unavailable', group, max, down: [...down].sort() });
    };
    const members = turns.services.filter((service) => service.group === group);
    const units = unitsOf(members, turns);
    if (units.length === 0) continue;
    const followers = followersOf(turns.after);
    const reached = closure(
      units.flatMap(({ begins }) => begins.map(({ id }) => id)),
      (id) => followers.get(id) ?? [],
    );
    const taken = new Set(units.flatMap(({ down }) => down));
    const down = members.filter((service) => !taken.has(service.id) && isDown(service, turns));
    const mended = turns.drafts.filter(
      (draft) => down.some(({ id }) => id === draft.service) && isPlainStart(draft, reached, turns.drafts),
    );
    const left = down.map(({ id }) => id).filter((id) => !mended.some(({ service }) => service === id));
    const room = max - left.length;
    const able = units.filter((unit) => unit.down.length <= room);
    for (const unit of units) if (!able.includes(unit)) tell(unit, room < 1 ? left : [...left, ...unit.down]);
    let before = mended.flatMap(({ steps }) => steps.map(({ id }) => id));
    let circular = false;
    for (const batch of batches(sorted(able, turns.after), room)) {
      const begins = batch.flatMap((unit) => unit.begins.map(({ id }) => id));
      const later = closure(begins, (id) => followers.get(id) ?? []);
      circular ||= before.some((id) => later.has(id) || begins.includes(id));
      if (circular) {
        for (const unit of batch) tell(unit, unit.down);
        continue;
      }
      for (const id of begins) {
        for (const one of before) {
          turns.after.get(id)?.add(one);
          followers.set(one, [...(followers.get(one) ?? []), id]);
        }
      }
      before = batch.flatMap((unit) => unit.drafts.flatMap(({ steps }) => steps.map(({ id }) => id)));
    }
  }
  return stuck;
}

/** What found no room waits; what makes way for it goes with it. */
export function withoutTurn(draft: Draft, stuck: Stuck): Draft {
  const reason = stuck.get(draft.service);
  const [step] = draft.steps;
  if (reason === undefined || step === undefined) return draft;
  const { action, effect } = draft.steps.find((one) => interrupts(one, draft)) ?? step;
  return { ...draft, steps: [], held: { ...reason, waits: { action, effect } } };
}

function unitsOf(members: readonly Service[], { drafts, services, world }: Turns): readonly Unit[] {
  const ids = new Set(members.map(({ id }) => id));
  const own = members.flatMap(({ id }): Unit[] => {
    const parts = drafts.filter(({ service, makesWayFor }) => service === id || makesWayFor === id);
    const begins = parts.flatMap((part) => part.steps.filter((step) => interrupts(step, part)));
    return begins.length === 0 ? [] : [{ drafts: parts, own: parts.map(({ service }) => service), begins, down: [id] }];
  });
  // What runs some of them takes them down with it, and so does one of a pool.
  const runners = services.flatMap(({ id, runs }): Unit[] => {
    const draft = drafts.find(({ service }) => service === id);
    const begins = draft?.steps.filter((step) => interrupts(step, draft)) ?? [];
    const together = begins.flatMap((step) => step.together ?? []);
    if (draft === undefined || begins.length === 0 || (runs === undefined && together.length === 0)) return [];
    const down = members.filter(({ id: one }) =>
      world.owned.get(one)?.some(({ supervisor, actual }) => {
        return (supervisor === runs || together.includes(one)) && alive(actual.run);
      }),
    );
    if (down.length === 0) return [];
    const others = drafts.filter(({ steps }) =>
      steps.some(({ reason }) => reason.kind === 'with' && reason.service === id),
    );
    const itself = ids.has(id) ? [id] : [];
    return [
      {
        drafts: [draft, ...others],
        own: [id, ...together],
        begins,
        down: [...itself, ...down.map((service) => service.id)],
      },
    ];
  });
  const ran = new Set(runners.flatMap(({ drafts: [runner] }) => (runner === undefined ? [] : [runner.service])));
  return [...runners, ...own.filter(({ down: [id = ''] }) => !ran.has(id))];
}

/** Does it take down what runs, to bring it up again? */
function interrupts({ effect, reason, seen, handover, ...step }: Step, { makesWayFor }: Draft): boolean {
  if (reason.kind === 'with') return false;
  const ran = seen.kind === 'present' && seen.run === 'running';
  if (makesWayFor !== undefined) return effect === 'stop' && ran;
  if (effect !== 'restart') return false;
  if (step.action !== 'handover') return ran;
  return handover !== undefined && handover.order !== 'start-first' && handover.from.some(runsNow);
}

function runsNow(old: Predecessor): boolean {
  return old.kind === 'own' ? old.run.kind === 'running' : old.state.processes.length > 0;
}

/** It should run, and does not, or is not known to; what was never to be started yet is not missed. */
function isDown(service: Service, { world, inPlace }: Turns): boolean {
  const { id, supervisor, state, autostart } = service;
  if (state !== 'running') return false;
  if (world.silent(supervisor) !== undefined || world.unreadable.has(id)) return true;
  const runs = [id, ...formerIds(service)].flatMap((one) => world.owned.get(one) ?? []).map(({ actual }) => actual.run);
  if (runs.some((run) => run.kind === 'running' || (run.kind === 'exited' && exitAllowed(service, run.exit))))
    return false;
  const things = inPlace.get(id)?.things ?? [];
  if (things.some(({ copy, state }) => copy && state.kind === 'there' && state.processes.length > 0)) return false;
  return autostart || runs.some((run) => run.kind !== 'stopped' || run.started);
}

/** It is started, whatever becomes of those that are interrupted. */
function isPlainStart({ service, steps }: Draft, reached: ReadonlySet<string>, all: readonly Draft[]): boolean {
  const plain = steps.every(
    (step) => !isHandover(step) && step.action !== 'retire' && step.reason.kind !== 'with' && !reached.has(step.id),
  );
  return plain && steps.some(startsIt) && !all.some(({ makesWayFor }) => makesWayFor === service);
}

function followersOf(after: ReadonlyMap<string, Iterable<string>>): Map<string, readonly string[]> {
  const followers = new Map<string, string[]>();
  for (const [id, befores] of after) {
    for (const before of befores) {
      const list = followers.get(before);
      if (list === undefined) followers.set(before, [id]);
      else list.push(id);
    }
  }
  return followers;
}

/** In the order in which they would come by themselves. */
function sorted(units: readonly Unit[], after: ReadonlyMap<string, ReadonlySet<string>>): readonly Unit[] {
  const place = new Map(topological(after.keys(), (id) => after.get(id) ?? []).map((id, i) => [id, i]));
  const end = ({ begins }: Unit) => Math.max(...begins.map(({ id }) => place.get(id) ?? 0));
  return [...units].sort((a, b) => end(a) - end(b));
}

function batches(units: readonly Unit[], room: number): readonly (readonly Unit[])[] {
  const all: Unit[][] = [];
  let used = room;
  for (const unit of units) {
    used += unit.down.length;
    if (used > room) {
      all.push([]);
      used = unit.down.length;
    }
    all.at(-1)?.push(unit);
  }
  return all;
}
