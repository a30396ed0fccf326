import { digest, type Json } from '../canonical.ts';
import type { Held, Predecessor, Service, ServiceId, Step, StepGate } from '../model.ts';
import { maskField, maskText } from '../secrets.ts';
import { alive, isHandover } from './draft.ts';

export type Gate = NonNullable<Service['written']['gate']>;

/**
 * What a gate said when it was tried for this plan. Times are ms since the epoch.
 *
 *                fails                    `timeout` is over, and it says ask or proceed
 *   passed  <──────────>  shut, since  ──────────────────────────────────────────────────>  late
 *      ^                                                                                      │
 *      └───────────────────────────────────── passes ─────────────────────────────────────────┘
 */
export type GateState =
  | { readonly kind: 'passed' }
  | ({ readonly kind: 'shut' } & Pick<Shut, 'why' | 'since' | 'until' | 'otherwise'>)
  | ({ readonly kind: 'late'; readonly otherwise: 'ask' | 'proceed' } & Pick<Shut, 'why' | 'since'>);
type Shut = Extract<Held['reason'], { readonly kind: 'gate' }>;

export interface Gates {
  /** Of those that were tried; all others are as if they passed. */
  readonly states: ReadonlyMap<ServiceId, GateState>;
  /** A person wants it done whatever they say. */
  readonly override: boolean;
  /** As if everything were approved. */
  readonly preview: boolean;
}

/** A gate that has to pass, and for which service. */
export interface Needed {
  readonly id: ServiceId;
  readonly gate: Gate;
}

/** What comes of the gates of what is done together: it waits, it is for a person to say, or it is done. */
export type Answer =
  | { readonly kind: 'shut'; readonly reason: Omit<Shut, 'waits'> }
  | { readonly kind: 'ask'; readonly gate: Pick<Shut, 'gate' | 'why' | 'since'> }
  | { readonly kind: 'open' };

export function answerOf(needed: readonly Needed[], of: ServiceId, approved: boolean, gates: Gates): Answer {
  if (gates.override) return { kind: 'open' };
  const known = needed.flatMap(({ id, gate }) => {
    const state = gates.states.get(id);
    return state === undefined || state.kind === 'passed' ? [] : [{ words: gateWords(gate, id, of), state }];
  });
  for (const { words, state } of known) {
    if (state.kind === 'shut') return { kind: 'shut', reason: { ...state, kind: 'gate', gate: words } };
  }
  const ask = known.find(({ state }) => state.kind === 'late' && state.otherwise === 'ask');
  if (ask === undefined || approved || gates.preview) return { kind: 'open' };
  const { words, state } = ask;
  return state.kind === 'late'
    ? { kind: 'ask', gate: { gate: words, why: state.why, since: state.since } }
    : { kind: 'open' };
}

/** What a plan says of each, once it is done. */
export function toldOf(needed: readonly Needed[], { states, override }: Gates): readonly StepGate[] {
  return needed.map(({ id: service, gate }): StepGate => {
    const state = states.get(service);
    const words = gateWords(gate);
    if (override) return { service, gate: words, answer: 'overridden' };
    if (state === undefined) return { service, gate: words, answer: 'untried' };
    if (state.kind === 'passed') return { service, gate: words, answer: 'passed' };
    return {
      service,
      gate: words,
      answer: state.kind === 'late' && state.otherwise === 'proceed' ? 'late' : 'approved',
    };
  });
}

/** Does it take a process from a service, to bring it up again or not? What is down, or waits to be tried again, is none. */
export function interrupts(step: Step): boolean {
  const { action, effect, seen, handover } = step;
  if (isHandover(step) || action === 'retire') return handover?.from.some(runsIt) === true;
  if (effect !== 'stop' && effect !== 'restart') return false;
  return seen.kind === 'present' && (seen.run === 'running' || seen.run === 'starting');
}

function runsIt(old: Predecessor): boolean {
  return old.kind === 'own' ? alive(old.run) : old.copy && old.state.processes.length > 0;
}

/** `exec /opt/dolphin/no-positions`; of another service's gate also whose it is. */
export function gateWords({ http, tcp, exec, file }: Gate, id?: ServiceId, of?: ServiceId): string {
  const whose = id === undefined || id === of ? '' : `of ${id}: `;
  const words = (): string => {
    if (exec !== undefined) return `exec ${(maskField('command', exec.command) as readonly string[]).join(' ')}`;
    if (http !== undefined) return `http ${http.url}`;
    if (tcp !== undefined) return `tcp ${tcp.address}`;
    return `file ${file?.path}${file?.changedWithin === undefined ? '' : ` changed within ${file.changedWithin}`}`;
  };
  return `${whose}${maskText(words().replace(/\s+/g, ' '))}`;
}

/**
 * A digest of what waits for a gate: how long it waits counts from when that was first to be done. What supervision does to
 * the process meanwhile is no matter.
 */
export function gateWork(steps: readonly Step[]): string {
  return digest(
    steps.map(({ id, effect, target }): Json => {
      const { hash = null, fields = null } = target?.definition ?? {};
      return [id, effect, hash, fields as Json];
    }),
  );
}
