import type { Definition, Plan, Service, ServiceId, Step } from '../model.ts';
import { nameOf } from '../planner/draft.ts';
import { type GateState, gateWork } from '../planner/gates.ts';
import type { Wait, Waits } from './book.ts';
import { type Gate, gateOf } from './gate.ts';
import { tryGate } from './try.ts';

/** What is known of the services whose gates are asked. */
export interface GateMeans {
  readonly services: readonly Service[];
  readonly definitions: ReadonlyMap<ServiceId, Definition>;
  /** What waited before. */
  readonly waits: Waits;
  /** Is the plan about this service? What it says nothing of goes on waiting. */
  readonly chosen: (id: ServiceId) => boolean;
  readonly signal: AbortSignal;
}

export interface AskedGates {
  readonly plan: Plan;
  readonly states: ReadonlyMap<ServiceId, GateState>;
  /** What waits from now on. */
  readonly waits: Waits;
}

/** So many are tried at a time. */
const AT_ONCE = 16;

/**
 * Asks the gates of what a plan would interrupt, and of nothing else, and plans with what they say; that may let another
 * have its turn, whose gate is asked then.
 */
export async function askGates(
  first: Plan,
  makePlan: (states: ReadonlyMap<ServiceId, GateState>) => Plan,
  means: GateMeans,
): Promise<AskedGates> {
  const states = new Map<ServiceId, GateState>();
  const waits: Record<ServiceId, Wait> = {};
  for (const [id, wait] of Object.entries(means.waits)) if (!means.chosen(id)) waits[id] = wait;
  let plan = first;
  for (;;) {
    const untried = untriedIn(plan);
    if (untried.size === 0) return { plan, states, waits };
    const all = [...untried];
    for (let i = 0; i < all.length; i += AT_ONCE) {
      const some = all.slice(i, i + AT_ONCE);
      await Promise.all(
        some.map(async ([id, steps]) => {
          const { state, wait } = await ask(id, gateWork(steps), means);
          states.set(id, state);
          if (wait !== undefined) waits[id] = wait;
        }),
      );
    }
    plan = makePlan(states);
  }
}

/** Does a gate that passed a moment ago still pass? Why not, for the steps that go on since it did. */
export async function shutBy(step: Step, means: Omit<GateMeans, 'waits' | 'chosen'>): Promise<Shut | undefined> {
  const passed = (step.gates ?? []).filter(({ answer }) => answer === 'passed');
  const found = await Promise.all(
    passed.map(async ({ service: id, gate: words }): Promise<Shut | undefined> => {
      const { gate, service } = gateFor(id, means.services);
      const why = await tryGate(gate, id, service, means.definitions.get(service.id), means.signal);
      return why === undefined ? undefined : { id, words, why, gate };
    }),
  );
  return found.find((shut) => shut !== undefined);
}

export interface Shut {
  readonly id: ServiceId;
  readonly words: string;
  readonly why: string;
  readonly gate: Gate;
}

/** From when on something waits for a gate: from now, unless the same has waited before. */
export function waitFor({ every, timeout }: Gate, work: string, before: Wait | undefined, now: number): Wait {
  const since = before?.work === work ? before.since : now;
  return { since, work, every, until: since + timeout };
}

function untriedIn({ steps }: Plan): ReadonlyMap<ServiceId, readonly Step[]> {
  const pairs = steps.flatMap((step) =>
    (step.gates ?? []).flatMap(({ service, answer }) => (answer === 'untried' ? [{ service, step }] : [])),
  );
  const byId = Map.groupBy(pairs, ({ service }) => service);
  return new Map([...byId].map(([id, all]) => [id, all.map(({ step }) => step)]));
}

async function ask(
  id: ServiceId,
  work: string,
  { services, definitions, waits, signal }: GateMeans,
): Promise<{ readonly state: GateState; readonly wait?: Wait }> {
  const { gate, service } = gateFor(id, services);
  const why = await tryGate(gate, id, service, definitions.get(service.id), signal);
  if (why === undefined) return { state: { kind: 'passed' } };
  const now = Date.now();
  const wait = waitFor(gate, work, waits[id], now);
  const { since, until } = wait;
  const { otherwise } = gate;
  if (otherwise !== 'wait' && now >= until) return { state: { kind: 'late', why, since, otherwise }, wait };
  const end = otherwise === 'wait' ? {} : { until };
  return { state: { kind: 'shut', why, since, otherwise, ...end }, wait };
}

/** Of an instance that is no longer among those of Git it is that of the others. */
function gateFor(id: ServiceId, services: readonly Service[]): { readonly gate: Gate; readonly service: Service } {
  const service = services.find((one) => one.id === id) ?? services.find(({ name }) => name === nameOf(id));
  const gate = service === undefined ? undefined : gateOf(service);
  if (service === undefined || gate === undefined) throw new Error(`no gate of ${id}`);
  return { gate, service };
}
