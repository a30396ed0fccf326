/** A host in memory: one old unit, one new service, and whatever can fail or be killed between two calls. */
import { handOver } from '../../../src/handover/execute.ts';
import type { Means } from '../../../src/handover/means.ts';
import { retire } from '../../../src/handover/retire.ts';
import type { Actual, Begun, Definition, Outcome, OwnStep, Plan, Reading, Service } from '../../../src/model.ts';
import type { InPlace } from '../../../src/planner/handover.ts';
import type { Supervisor } from '../../../src/supervisors/supervisor.ts';
import type { Taker, Taking } from '../../../src/supervisors/taker.ts';
import type { Taken, There, ThingState } from '../../../src/thing.ts';
import { define, planned, read, service } from '../planner/make.ts';

export const UNIT = { kind: 'unit', unit: 'old.service' } as const;

export interface Old {
  up: boolean;
  enabled: boolean;
  blocked?: 'until-boot' | 'for-good';
  taken?: Taken;
}

/** What happens at one call, of all that change something: it fails, or whoever calls is killed before or after it. */
export interface Fault {
  readonly call: number;
  readonly kind: 'fails' | 'killed-before' | 'killed-after';
}

/** One that lives, and one that does not: what a model has for the new one and the old one. */
const ALIVE = process.pid;
const GONE = 4_000_000;

export class Model {
  readonly service: Service;
  old: Old;
  fresh: { up: boolean; boot: boolean } | undefined;
  begun: Begun | undefined;
  reversed: InPlace['reversed'];
  /** What its probes say of the new one; with a time to watch it for. */
  ill = false;
  interrupted = new AbortController();
  readonly calls: string[] = [];
  /** Each moment at which two copies ran. */
  readonly doubles: string[] = [];
  #fault: Fault | undefined;
  #dead = false;
  #died = Promise.withResolvers<'killed'>();

  constructor(old: Old, settings: Partial<Pick<Service, 'autostart' | 'state'>> = {}) {
    this.old = old;
    this.service = service('web', { ...settings, written: { supersedes: [{ unit: UNIT.unit }] } });
  }

  /** The power goes: what was blocked until then is so no more, and what is enabled runs. */
  boot(): void {
    const { up: _, blocked, ...old } = this.old;
    const kept = blocked === 'for-good' ? { blocked } : {};
    this.old = { ...old, ...kept, up: old.enabled && kept.blocked === undefined };
    if (this.fresh !== undefined) this.fresh.up = this.fresh.boot;
    this.begun = undefined;
    this.#see('boot');
  }

  plan(asked = false): Plan {
    const { state } = this.service;
    const interim = define({ ...this.service, state: state === 'absent' ? 'running' : state });
    const place: InPlace = {
      things: [{ thing: UNIT, state: this.#look(), copy: true }],
      interim,
      soak: this.ill ? 1 : 0,
      patience: 1000,
      ...(this.begun === undefined ? {} : { begun: this.begun }),
      ...(this.reversed === undefined ? {} : { reversed: this.reversed }),
    };
    return planned([this.service], this.#observed(interim), {
      inPlace: new Map([['web', place]]),
      asked: asked ? ['web'] : [],
    });
  }

  /** Plans and applies; the outcomes, or that it was killed. */
  async run(fault?: Fault, asked = false): Promise<readonly Outcome[] | 'killed'> {
    this.#fault = fault;
    this.#dead = false;
    this.#died = Promise.withResolvers();
    this.calls.length = 0;
    return Promise.race([this.#walk(this.plan(asked)), this.#died.promise]);
  }

  async #walk({ steps }: Plan): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const step of steps) {
      if (outcomes.some(({ kind }) => kind !== 'done')) break;
      const { handover } = step;
      if (step.action === 'handover' && handover !== undefined)
        outcomes.push(await handOver(this.#means(), step, handover, this.interrupted.signal));
      else if (step.action === 'retire' && handover !== undefined)
        outcomes.push(await retire(this.#means(), step, handover));
      else outcomes.push(await this.#supervisor().apply(step as OwnStep, new AbortController().signal));
    }
    return outcomes;
  }

  #observed(definition: Definition): Reading {
    if (this.fresh === undefined) return read();
    const run = this.fresh.up
      ? ({ kind: 'running', pid: ALIVE, since: 0, definition: 'current' } as const)
      : ({ kind: 'stopped', started: false } as const);
    const actual: Actual = { kind: 'actual', id: 'web', owner: { kind: 'ours' }, definition, run, restarts: 0 };
    return read(actual);
  }

  #look(): ThingState {
    const { up, enabled, blocked, taken } = this.old;
    const there: There = {
      kind: 'there',
      processes: up ? [{ pid: GONE + 1, start: 1 }] : [],
      enabled,
      ...(blocked === undefined ? {} : { blocked }),
      ...(taken === undefined ? {} : { taken }),
    };
    return there;
  }

  /** Counts what changes something, and has it happen, fail, or be the last that whoever calls does. */
  #call(name: string, act: () => void): boolean {
    this.calls.push(name);
    const fault = this.#fault?.call === this.calls.length ? this.#fault.kind : undefined;
    if (fault === 'killed-before') this.#die();
    if (this.#dead) return true;
    if (fault === 'fails') return false;
    act();
    this.#see(name);
    if (fault === 'killed-after') this.#die();
    return true;
  }

  #die(): void {
    this.#dead = true;
    this.#died.resolve('killed');
  }

  #see(name: string): void {
    if (this.old.up && this.fresh?.up) this.doubles.push(name);
  }

  async #do<T>(name: string, act: () => void, done: T, failed: T): Promise<T> {
    const well = this.#call(name, act);
    return this.#dead ? new Promise<never>(() => {}) : well ? done : failed;
  }

  #taking(name: string, act: () => void): Promise<Taking> {
    const problem = { code: 'x', summary: `cannot ${name}` };
    return this.#do<Taking>(name, act, { kind: 'done' }, { kind: 'failed', problem });
  }

  #taker(): Taker<typeof UNIT> {
    const { old } = this;
    return {
      look: async () => [this.#look()],
      taken: async () => [],
      block: (_, taken) => this.#taking('block', () => Object.assign(old, { blocked: 'until-boot', taken })),
      stop: async () => {
        const problem = { code: 'x', summary: 'cannot stop' };
        const stop = () => Object.assign(old, { up: false });
        return this.#do<Awaited<ReturnType<Taker['stop']>>>(
          'stop',
          stop,
          { kind: 'gone' },
          { kind: 'failed', problem },
        );
      },
      disable: (_, taken) =>
        this.#taking('disable', () => Object.assign(old, { blocked: 'for-good', enabled: false, taken })),
      unblock: () => this.#taking('unblock', () => Object.assign(old, { blocked: undefined })),
      restore: (_, was, start) =>
        this.#taking('restore', () =>
          Object.assign(old, { blocked: undefined, taken: undefined, enabled: was.enabled, up: start || old.up }),
        ),
    };
  }

  #supervisor(): Supervisor {
    const apply = async (step: OwnStep): Promise<Outcome> => {
      const failed: Outcome = { kind: 'failed', problem: { code: 'x', summary: `cannot ${step.action}` } };
      const act = () => {
        if (step.action === 'create') this.fresh = { up: step.effect === 'start', boot: false };
        if (this.fresh === undefined) throw new Error(`${step.action} of nothing`);
        if (step.action === 'start') this.fresh.up = true;
        if (step.action === 'stop') this.fresh.up = false;
        if (step.action === 'remove') this.fresh = undefined;
      };
      return this.#do<Outcome>(step.action, act, { kind: 'done', pid: ALIVE }, failed);
    };
    return { apply } as unknown as Supervisor;
  }

  #means(): Means {
    const write = (name: string, act: () => void) => {
      if (!this.#call(name, act) || this.#dead) throw new Error(`cannot ${name}`);
    };
    return {
      supervisors: new Map([['builtin' as const, this.#supervisor()]]),
      taker: () => this.#taker() as unknown as Taker,
      health: () => (this.ill ? { kind: 'unhealthy', probe: 'up', why: 'refused', about: 'self' } : { kind: 'none' }),
      begun: {
        read: () => new Map(),
        write: (_, begun) => write('write begun', () => Object.assign(this, { begun })),
        end: () => write('end begun', () => Object.assign(this, { begun: undefined })),
      },
      reversed: {
        read: () => new Map(),
        write: (_, { at, problem }) =>
          write('write reversed', () => Object.assign(this, { reversed: { at, problem } })),
        end: () => write('end reversed', () => Object.assign(this, { reversed: undefined })),
      },
      wanted: () => 'w',
      tell: () => {},
      witness: {
        begin: async () => ({ started: () => {}, blame: async (problem: never) => problem, close: async () => [] }),
      } as unknown as Means['witness'],
      alone: (act) => act(),
    };
  }
}
