import { digest, type Json } from '../canonical.ts';
import type { Held, Notice, Service, ServiceId, Step, SupervisorName, Waiting } from '../model.ts';
import { alive, type Draft, isHandover, nameOf, stopsIt } from './draft.ts';
import { answerOf, type Gates, interrupts, type Needed, toldOf } from './gates.ts';
import type { World } from './world.ts';

type Kept<K extends Held['reason']['kind']> = Omit<Extract<Held['reason'], { readonly kind: K }>, 'waits'>;

/** Why whatever is to be done to a service has to wait. */
export type Stay = Kept<'observed'> | Kept<'breaker'> | Kept<'frozen'> | Kept<'window'>;

/** A service by what it can be named by; of what Git has no more that is its name alone. */
export type Subject = Pick<Service, 'name'> & Partial<Pick<Service, 'id' | 'group' | 'formerly' | 'written'>>;

/** Who may be changed now: all that policy, people and the clock say, so that the planner needs none of them. */
export interface Control {
  /** Why a service may not be changed; undefined where it may. */
  stay(service: Subject): Stay | undefined;
  /** That a person wants a service left alone; absent: of none. */
  hold?(service: Subject): Extract<Held['reason'], { readonly kind: 'hold' }> | undefined;
  /** The work that a person has approved, by service. */
  readonly approved: ReadonlyMap<ServiceId, string>;
  /** As if everything were approved. */
  readonly preview: boolean;
  /** Services that go back to what they were: no window and no approval is waited for. */
  readonly exempt: ReadonlySet<ServiceId>;
  /** What was applied to services before: to start that again after a boot is supervision, and no change. */
  readonly applied: ReadonlyMap<ServiceId, string>;
  /** Worth telling with every plan. */
  readonly notices: readonly Notice[];
  /** What the gates say of services that are to be interrupted; absent: nobody has asked them yet. */
  readonly gates?: Gates['states'];
  /** Nobody asks them: a person wants it done whatever they say. */
  readonly override?: boolean;
}

/** What waits for an approval, and is done together or not at all. */
interface Waits {
  readonly team: readonly Draft[];
  readonly service: ServiceId;
  readonly work: string;
  readonly waits: Waiting;
  readonly gate?: NonNullable<Extract<Held['reason'], { readonly kind: 'approval' }>['gate']>;
}

/**
 * Holds what has to wait: what belongs together waits together, so that nothing old is ended for what may not come. What
 * waits for an approval is told last, and all of it by one id: the same work gives the same.
 */
export function controlled(
  drafts: readonly Draft[],
  services: readonly Service[],
  asked: ReadonlySet<ServiceId>,
  world: World,
  control: Control | undefined,
): readonly Draft[] {
  if (control === undefined) return drafts;
  const byId = new Map(services.map((service) => [service.id, service]));
  const byName = new Map(services.map((service) => [service.name, service]));
  const subjectOf = ({ service: id, makesWayFor }: Draft): Subject =>
    byId.get(makesWayFor ?? id) ?? { ...(byName.get(nameOf(id)) ?? { name: nameOf(id) }), id };
  const chiefs = chiefsOf(drafts);
  const holds = new Map<Draft, Held['reason']>();
  const gated = new Map<Draft, readonly Needed[]>();
  const waiting: Waits[] = [];
  const gates: Gates = {
    states: control.gates ?? new Map(),
    override: control.override === true,
    preview: control.preview,
  };
  for (const [first, team] of Map.groupBy(drafts, (draft) => chiefs.get(draft) ?? draft)) {
    const steps = team.flatMap((draft) => draft.steps);
    const { service } = first;
    const ran = ranBy(first, byId.get(service)?.runs, services, world);
    const all = [...team.map(subjectOf), ...ran];
    // What a person asks for goes on though that service is held, but not to the cost of others that are.
    const left = all.filter(({ id = '' }) => !asked.has(id)).map((one) => control.hold?.(one));
    const person = left.find((hold) => hold !== undefined);
    const observes = all.some((one) => control.stay(one)?.kind === 'observed');
    if (person !== undefined && !observes) {
      for (const draft of team) {
        const what = draft.held?.kind === 'drift' ? draft.held.what : undefined;
        if (draft.steps.length > 0 || what !== undefined) holds.set(draft, { ...person, ...(what && { what }) });
      }
      continue;
    }
    const step = steps.find(isMain) ?? steps[0];
    if (step === undefined || (team.length === 1 && isBoot(first, control))) continue;
    const waits: Waiting = { action: step.action, effect: step.effect, ...thingsIn(steps) };
    const hold = (reason: Held['reason']) => {
      for (const draft of team) holds.set(draft, reason);
    };
    const stays = all.map((one) => control.stay(one)).filter((stay) => stay !== undefined);
    // What keeps a service well is no change.
    const keeps = steps.every(({ reason }) => reason.kind === 'unhealthy');
    const observed = stays.find(({ kind }) => kind === 'observed');
    // A way back to what was well is no storm, and what a person asks for by name is not for the daemon to judge.
    const isMeant = control.exempt.has(service) || asked.has(service);
    const breaker = isMeant ? undefined : stays.find(({ kind }) => kind === 'breaker');
    const stay = observed ?? breaker ?? (keeps ? undefined : stays.find(({ kind }) => kind === 'frozen'));
    if (stay !== undefined) {
      hold({ ...stay, waits });
      continue;
    }
    const work = workOf(steps);
    // Who has it done though its gate is shut has looked at all of it.
    const late = digest(`gate ${work}`);
    const approved = control.approved.get(service);
    if (!control.exempt.has(service) && !keeps) {
      const confirm = !control.preview && all.some(({ written }) => written?.confirm === true);
      const [window] = stays;
      if (confirm && !asked.has(service) && approved !== work && approved !== late) {
        waiting.push({ team, service, work, waits });
        continue;
      }
      if (window !== undefined) {
        hold({ ...window, waits });
        continue;
      }
    }
    const needed = team.map((draft) => neededBy(draft, subjectOf(draft), byId, draft === first ? ran : []));
    const answer = answerOf(needed.flat(), service, approved === late, gates);
    if (answer.kind === 'shut') hold({ ...answer.reason, waits });
    else if (answer.kind === 'ask') waiting.push({ team, service, work: late, waits, gate: answer.gate });
    else for (const [i, draft] of team.entries()) gated.set(draft, needed[i] ?? []);
  }
  const plan = digest(waiting.map(({ service, work }) => `${service} ${work}`).sort(), ID);
  for (const { team, work, waits, gate } of waiting)
    for (const draft of team) holds.set(draft, { kind: 'approval', waits, plan, work, ...(gate && { gate }) });
  return drafts.map((draft) => {
    const held = holds.get(draft);
    if (held?.kind === 'hold') return { ...draft, steps: [], held };
    if (held === undefined || draft.steps.length === 0) return withGates(draft, gated.get(draft) ?? [], gates);
    // Why it is left alone anyhow stays the case, and is told where nobody has anything to do about the rest.
    return { ...draft, steps: [], held: held.kind === 'approval' ? held : (draft.held ?? held) };
  });
}

/** What they take the place of. */
function thingsIn(steps: readonly Step[]): Pick<Waiting, 'things'> {
  const things = [...new Set(steps.flatMap(({ reason }) => (reason.kind === 'superseded' ? reason.things : [])))];
  return things.length > 0 ? { things } : {};
}

/** So many letters of a digest are enough to tell what waits on one host, and few enough to type. */
const ID = 10;

/** For each draft that makes way for another, that other, where it has something to do as well. */
function chiefsOf(drafts: readonly Draft[]): ReadonlyMap<Draft, Draft> {
  const byId = new Map(drafts.map((draft) => [draft.service, draft]));
  return new Map(
    drafts.flatMap((draft): [Draft, Draft][] => {
      const other = draft.makesWayFor === undefined ? undefined : byId.get(draft.makesWayFor);
      return other === undefined || other.steps.length === 0 ? [] : [[draft, other]];
    }),
  );
}

/** The gates of what a draft interrupts: of the service itself, and of what goes down with it. */
function neededBy(
  { service, makesWayFor, steps }: Draft,
  subject: Subject,
  byId: ReadonlyMap<ServiceId, Service>,
  ran: readonly Service[],
): readonly Needed[] {
  if (!steps.some(interrupts)) return [];
  const own = makesWayFor ?? service;
  // Of an instance that there is no more, the gate of the others.
  const all = [{ id: byId.has(own) ? own : service, written: subject.written }, ...ran];
  return all.flatMap(({ id, written }): Needed[] => (written?.gate === undefined ? [] : [{ id, gate: written.gate }]));
}

function withGates(draft: Draft, needed: readonly Needed[], gates: Gates): Draft {
  if (needed.length === 0) return draft;
  const told = toldOf(needed, gates);
  return { ...draft, steps: draft.steps.map((step) => (interrupts(step) ? { ...step, gates: told } : step)) };
}

/** What it is about, and not only what goes before it. */
function isMain({ effect, action }: Step): boolean {
  return effect !== 'pid unchanged' && (effect !== 'none' || action === 'remove');
}

/** What was running before this boot is started as it was: only the embedded supervisor does not do so by itself. */
function isBoot({ service, supervisor, steps }: Draft, { applied, stay }: Control): boolean {
  const [only, ...more] = steps;
  if (supervisor !== 'builtin' || only?.action !== 'create' || only.effect !== 'start' || more.length > 0) return false;
  const { target } = only;
  return (
    target !== undefined && applied.get(service) === target.definition.hash && stay(target.service)?.kind !== 'observed'
  );
}

/** What goes down with what runs it. */
function ranBy(
  { steps }: Draft,
  runs: SupervisorName | undefined,
  services: readonly Service[],
  world: World,
): readonly Service[] {
  const ends = steps.some(
    (step) => step.effect === 'restart' || step.effect === 'stop' || stopsIt(step) || isHandover(step),
  );
  if (runs === undefined || !ends) return [];
  return services.filter(({ id }) =>
    world.owned.get(id)?.some(({ supervisor, actual }) => supervisor === runs && alive(actual.run)),
  );
}

/** A digest of what is to be done to one service, and of what it is done to: no pids, which supervision changes. */
function workOf(steps: readonly Step[]): string {
  return digest(
    steps.map((step): Json => {
      const { id, supervisor, effect, seen, target, files = [], boot } = step;
      const { hash = null, fields = null } = target?.definition ?? {};
      const saw: Json = seen.kind === 'absent' ? null : [seen.hash ?? null, seen.run];
      const writes: Json[] = files.map(({ path, from = null, to = null }) => [path, from, to]);
      const things: Json = (step.handover?.from ?? []).map(
        (old): Json => (old.kind === 'own' ? [old.supervisor, old.id] : (old.thing as unknown as Json)),
      );
      return [
        id,
        supervisor,
        effect,
        saw,
        hash,
        fields as Json,
        writes,
        boot === undefined ? null : [boot.from, boot.to],
        things,
      ];
    }),
  );
}
