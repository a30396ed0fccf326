import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVerifier, type Verifier, type VerifyEvent } from '../../../src/daemon/verify.ts';
import type {
  Actual,
  Definition,
  Desired,
  Observed,
  Outcome,
  Plan,
  Run,
  Service,
  ServiceId,
  Step,
  StepReport,
} from '../../../src/model.ts';
import { plan } from '../../../src/planner.ts';
import type { Prepared } from '../../../src/prepare.ts';
import { BUILTIN_FIELDS } from '../../../src/supervisors/builtin/fields.ts';
import { defineBy } from '../../../src/supervisors/fields.ts';
import { type Book, readBook } from '../../../src/verify/book.ts';
import { release } from '../../../src/verify/decide.ts';
import { inForce } from '../../../src/verify/in-force.ts';
import { at, desired, service } from './declare.ts';

/** What comes of a version: it stays well, can't be started, or ends soon after it was. */
export type Kind = 'good' | 'fails' | 'dies';
export interface Version {
  readonly number: number;
  readonly kind: Kind;
}

class Crash extends Error {}

/**
 * A host that is not there: what the daemon does, with the planner and the verifier that are, on services that run in a map.
 * Decisions are in files, so that a crash leaves what it leaves.
 */
export class World implements Disposable {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'reconciled-verify-'));
  readonly events: VerifyEvent[] = [];
  /** How often each version was started, by commit: `commit service version`. */
  readonly starts = new Map<string, number>();
  readonly #host = new Map<ServiceId, Actual>();
  readonly #versions = new Map<number, Kind>();
  #verifier: Verifier;
  #git = desired([], at('0'));
  #last: Desired | undefined;
  #now = 1_000_000;
  #pid = 100;
  #nudged = false;
  /** So many acts from now it is killed. */
  #fuse = Number.POSITIVE_INFINITY;

  constructor() {
    mkdirSync(join(this.stateDir, 'decisions'));
    this.#verifier = this.#boot();
  }

  commit(name: string, versions: Readonly<Record<ServiceId, Version>>): void {
    for (const { number, kind } of Object.values(versions)) this.#versions.set(number, kind);
    const services = Object.entries(versions).map(([id, { number }]) =>
      service(id, { command: ['run', id], environment: { VERSION: String(number) } }),
    );
    this.#git = desired(services, at(name), { soak: '10s', onFailure: 'rollback' });
  }

  /** One run, and all that it makes necessary; with a fuse it is killed after so many acts, and begun again. */
  async run(fuse = Number.POSITIVE_INFINITY, asked: readonly ServiceId[] = []): Promise<void> {
    this.#fuse = fuse;
    let request = asked;
    // No fight may go on for ever.
    for (let i = 0; i < 20; i++) {
      this.#nudged = false;
      try {
        await this.#once(request);
        request = [];
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.#fuse = Number.POSITIVE_INFINITY;
        this.#verifier[Symbol.dispose]();
        this.#verifier = this.#boot();
        this.#last = this.#last && inForce(this, this.#last);
        this.#nudged = true;
      }
      if (!this.#nudged) return;
    }
    throw new Error('it does not come to rest');
  }

  async #once(asked: readonly ServiceId[]): Promise<void> {
    this.#burn();
    await this.#verifier.look();
    this.#burn();
    release(this, { only: [], asked }, this.#last);
    const now = inForce(this, this.#git);
    const prepared = this.#prepared(now, asked);
    const before = this.#last;
    this.#verifier.begin(prepared, before);
    this.#burn();
    this.#last = now;
    const steps: StepReport[] = [];
    for (const step of prepared.plan.steps) {
      this.#burn();
      steps.push({ step, outcome: this.#take(step, now), took: 1 });
    }
    this.#burn();
    this.#verifier.end({ plan: prepared.plan, steps, took: 1 });
    this.#burn();
  }

  /** Time passes: what dies does, is restarted by its supervisor, and it is looked at. */
  async pass(ms: number, fuse?: number): Promise<void> {
    this.#now += ms;
    for (const [id, actual] of this.#host) {
      if (actual.run.kind === 'running' && this.#kindOf(actual) === 'dies') {
        this.#set(id, { ...actual, run: this.#running(), restarts: actual.restarts + 1 });
      }
    }
    await this.run(fuse);
  }

  /** Somebody stops it. */
  stop(id: ServiceId): boolean {
    const actual = this.#host.get(id);
    if (actual?.run.kind !== 'running') return false;
    this.#set(id, { ...actual, run: { kind: 'stopped', started: true } });
    return true;
  }

  book(): Book {
    return readBook(this.stateDir);
  }

  plan(): Plan {
    return this.#prepared(inForce(this, this.#git), []).plan;
  }

  /** What runs of a service: its version. */
  runs(id: ServiceId): number | undefined {
    const actual = this.#host.get(id);
    return actual?.run.kind === 'running' ? versionOf(actual) : undefined;
  }

  has(id: ServiceId): boolean {
    return this.#host.has(id);
  }

  #boot(): Verifier {
    return createVerifier(this, {
      desired: () => this.#last,
      observe: async () => this.#observed(),
      suspicion: { isOpen: async () => false },
      healthOf: () => ({ kind: 'none' }),
      // Looks are taken here by hand.
      inTurn: async () => {},
      nudge: () => {
        this.#nudged = true;
      },
      tell: (event) => {
        if (event.kind === 'trouble') throw new Error(event.problem.summary);
        this.events.push(event);
      },
      now: () => this.#now,
    });
  }

  #burn(): void {
    this.#fuse -= 1;
    if (this.#fuse < 0) throw new Crash();
  }

  #observed(): Observed {
    return new Map([['builtin', { kind: 'read', objects: [...this.#host.values()] }]]);
  }

  #prepared(now: Desired, asked: readonly ServiceId[]): Prepared {
    const definitions = new Map(
      now.services
        .filter(({ state }) => state !== 'absent')
        .map((one) => [one.id, defineBy(BUILTIN_FIELDS, 'builtin', one) as Definition] as const),
    );
    const observed = this.#observed();
    const made = plan({
      desired: now,
      definitions,
      fields: new Map([['builtin', BUILTIN_FIELDS]]),
      observed,
      blocked: new Map(),
      asked: new Set(asked),
    });
    return { plan: made, desired: now, observed, definitions, only: [] } as unknown as Prepared;
  }

  #take(step: Step, { revision }: Desired): Outcome {
    const { service: id, effect, target } = step;
    if (step.action === 'remove') {
      this.#host.delete(id);
      return { kind: 'done' };
    }
    if (target === undefined) throw new Error(`no target of ${step.id}`);
    const made = { ...(this.#host.get(id) ?? this.#blank(id)), definition: target.definition };
    if (effect !== 'start' && effect !== 'restart') {
      this.#set(id, made);
      return { kind: 'done' };
    }
    const version = versionOf(made);
    const key = `${revision.commit?.replace(/0+$/, '')} ${id} ${version}`;
    this.starts.set(key, (this.starts.get(key) ?? 0) + 1);
    if (this.#kindOf(made) === 'fails') {
      const exit = { kind: 'code', code: 3 } as const;
      this.#set(id, { ...made, run: { kind: 'fatal', exit, at: this.#now, reason: 'it ended 4 times' } });
      return { kind: 'failed', problem: { code: 'start-failed', summary: `cannot start ${id}` } };
    }
    const run = this.#running();
    this.#set(id, { ...made, run, restarts: 0 });
    return { kind: 'done', pid: run.pid };
  }

  #running(): Extract<Run, { kind: 'running' }> {
    this.#pid += 1;
    return { kind: 'running', pid: this.#pid, since: this.#now, definition: 'current' };
  }

  #blank(id: ServiceId): Actual {
    const definition = { hash: '', fields: {} };
    return {
      kind: 'actual',
      id,
      owner: { kind: 'ours' },
      definition,
      run: { kind: 'stopped', started: false },
      restarts: 0,
    };
  }

  #set(id: ServiceId, actual: Actual): void {
    this.#host.set(id, actual);
  }

  #kindOf(actual: Actual): Kind | undefined {
    const version = versionOf(actual);
    return version === undefined ? undefined : this.#versions.get(version);
  }

  [Symbol.dispose](): void {
    this.#verifier[Symbol.dispose]();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

function versionOf({ definition }: Pick<Actual, 'definition'>): number | undefined {
  const version = definition.fields?.['environment.VERSION'];
  return version === undefined ? undefined : Number(version);
}

export type { Service };
