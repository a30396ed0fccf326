import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceFile } from '../../src/desired/generated/service.ts';
import type { Monitor } from '../../src/health/health.ts';
import { createMonitor } from '../../src/health/monitor.ts';
import { listPids, variableOf } from '../../src/host/procfs.ts';
import type { Actual, Definition, Outcome, OwnAction, OwnStep, Run, Service, StepEffect } from '../../src/model.ts';
import { STAMP } from '../../src/stamp.ts';
import { type Builtin, type BuiltinEvent, createBuiltin } from '../../src/supervisors/builtin/index.ts';
import type { ServiceRecord } from '../../src/supervisors/builtin/record.ts';

const NEVER = new AbortController().signal;

/** A runtime folder of its own, supervisors over it, and steps by hand. Whatever bears its stamps ends with it. */
export class BuiltinRig implements AsyncDisposable {
  readonly owner = `test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly folder = mkdtempSync(join(tmpdir(), 'reconciled-test-'));
  readonly events: BuiltinEvent[] = [];
  /** Of each supervisor, in the order they were made. */
  readonly monitors: Monitor[] = [];
  readonly #open: Builtin[] = [];
  revision = 'r1';

  /** A supervisor as a daemon has it, or with `false` as one apply has it. */
  async supervisor(supervise = true): Promise<Builtin> {
    mkdirSync(join(this.folder, 'run'), { recursive: true });
    const monitor = createMonitor();
    this.monitors.push(monitor);
    const builtin = createBuiltin({
      owner: this.owner,
      runtimeDir: join(this.folder, 'run'),
      logDir: join(this.folder, 'log'),
      supervise,
      monitor,
      revision: () => this.revision,
      onEvent: (event) => this.events.push(event),
    });
    this.#open.push(builtin);
    if (supervise) await builtin.adopt();
    return builtin;
  }

  service(id: string, written: Partial<ServiceFile>): Service {
    const [name = '', instance] = id.split('@');
    return {
      id,
      name,
      ...(instance === undefined ? {} : { instance: Number(instance) }),
      supervisor: 'builtin',
      state: 'running',
      autostart: true,
      after: [],
      formerly: [],
      changes: 'now',
      written: { supervisor: 'builtin', ...written },
      inputs: {},
      file: `services/${name}.yaml`,
    };
  }

  /** Takes one step, as a plan that has just seen the object would. */
  async step(
    builtin: Builtin,
    action: OwnAction,
    service: Service,
    options: { effect?: StepEffect; signal?: AbortSignal } = {},
  ): Promise<Outcome> {
    return builtin.apply(await this.planned(builtin, action, service, options.effect), options.signal ?? NEVER);
  }

  async planned(
    builtin: Builtin,
    action: OwnAction,
    service: Service,
    effect: StepEffect = EFFECTS[action],
  ): Promise<OwnStep> {
    const definition = builtin.define(service) as Definition;
    const actual = await this.actual(builtin, service.id);
    const run = actual?.run;
    const pid = run !== undefined && 'pid' in run ? { pid: run.pid } : {};
    return {
      id: `${action}:${service.id}`,
      service: service.id,
      supervisor: 'builtin',
      action,
      reason: { kind: 'asked' },
      effect,
      after: [],
      seen:
        run === undefined
          ? { kind: 'absent' }
          : { kind: 'present', hash: actual?.definition.hash, run: run.kind, ...pid },
      ...(action === 'remove' ? {} : { target: { service, definition } }),
    };
  }

  async actual(builtin: Builtin, id: string): Promise<Actual | undefined> {
    const reading = await builtin.observe(NEVER);
    if (reading.kind !== 'read') throw new Error(reading.problem.summary);
    const found = reading.objects.find((object) => object.id === id);
    if (found?.kind === 'unreadable') throw new Error(found.problem.summary);
    return found;
  }

  async run(builtin: Builtin, id: string): Promise<Run | undefined> {
    return (await this.actual(builtin, id))?.run;
  }

  /** Waits until a service's run is of a kind. */
  async reaches<K extends Run['kind']>(
    builtin: Builtin,
    id: string,
    kind: K,
    other = -1,
  ): Promise<Extract<Run, { kind: K }>> {
    return this.eventually(async () => {
      const run = await this.run(builtin, id);
      if (run?.kind !== kind || ('pid' in run && run.pid === other)) return undefined;
      return run as Extract<Run, { kind: K }>;
    }, `${id} ${kind}`);
  }

  async eventually<T>(look: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
    const end = Date.now() + 60_000;
    for (;;) {
      const value = await look();
      if (value !== undefined && value !== false) return value;
      if (Date.now() > end) throw new Error(`never: ${what}; events: ${JSON.stringify(this.events)}`);
      await sleep(10);
    }
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  serviceFolder(id: string): string {
    return this.path('run', 'services', id);
  }

  record(id: string): ServiceRecord {
    return JSON.parse(readFileSync(join(this.serviceFolder(id), 'record.json'), 'utf8')) as ServiceRecord;
  }

  read(...parts: string[]): string {
    const path = this.path(...parts);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** All living processes that bear this rig's stamp. */
  stamped(id?: string): number[] {
    const head = `v1:${this.owner}:${id === undefined ? '' : `${id.replace('@', ':')}`}`;
    return listPids().filter((pid) => variableOf(pid, STAMP)?.startsWith(head));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const builtin of this.#open) await builtin[Symbol.asyncDispose]();
    for (let left = this.stamped(); left.length > 0; left = this.stamped()) {
      for (const pid of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
      }
      await sleep(5);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const EFFECTS: Readonly<Record<OwnAction, StepEffect>> = {
  create: 'start',
  start: 'start',
  stop: 'stop',
  restart: 'restart',
  replace: 'restart',
  update: 'pid unchanged',
  remove: 'stop',
};

export function folders(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
