import { closest } from '../../closest.ts';
import type { Config } from '../../config.ts';
import { readLastGood } from '../../decisions.ts';
import { loadDesired, supervisorsInUse } from '../../engine.ts';
import { conflictsIn, readClaims, supersededBy } from '../../graph/claims.ts';
import { type Declared, declaredOf } from '../../graph/declared.ts';
import { managerOf, nameOfManager } from '../../graph/managers.ts';
import { createPorts, nameOfSocket, type Ports } from '../../graph/ports.ts';
import { type Process, type Processes, takeProcesses } from '../../graph/processes.ts';
import { shown } from '../../graph/shown.ts';
import { type Lookalike, lookalikes } from '../../graph/strays.ts';
import { holdsByDuel, recordedDuels } from '../../handover/duels.ts';
import { createMonitor } from '../../health/monitor.ts';
import { beganAt } from '../../host/procfs.ts';
import type { Desired, ServiceStatus } from '../../model.ts';
import { nameOf } from '../../planner/draft.ts';
import { observeAll } from '../../prepare.ts';
import { Failure } from '../../problem.ts';
import { maskText } from '../../secrets.ts';
import { statusOf, unprobed } from '../../status.ts';
import { isShim, SHIM } from '../../supervisors/builtin/shim.ts';
import { openRegistry } from '../../supervisors/index.ts';
import { programsFile } from '../../supervisors/supervisord/programs-file.ts';
import { nameOfThing, type Thing } from '../../thing.ts';
import type { Context, Options } from '../context.ts';
import { problemsText } from '../views/problems.ts';
import { type WhoConflict, type WhoMatch, type WhoProcess, type WhoReport, whoJson, whoText } from '../views/who.ts';

/** `reconcile who NAME|PID|PORT`: everything on this host that looks like it, and who runs that. Reads only. */
export async function whoCommand(context: Context, options: Options): Promise<number> {
  if (options.restarts !== undefined) return (await import('./who-restarts.ts')).whoRestarts(context, options);
  const { what } = options;
  if (options.for !== undefined || what === undefined) {
    const summary =
      what === undefined
        ? 'cannot tell who: nothing is named'
        : 'cannot use --for without --restarts: nothing is watched';
    const hint = 'name a service, a pid or a port, or watch one: reconcile who --restarts NAME --for 10s';
    throw new Failure({ code: 'usage', summary, hint });
  }
  const report = await reportOn(what, context);
  const { style, width } = context;
  if (options.json) context.out(`${JSON.stringify(whoJson(report), null, 2)}\n`);
  else context.out(whoText(report, { style, width, now: Date.now() }));
  return 0;
}

async function reportOn(what: string, context: Context): Promise<WhoReport> {
  const number = /^:?(\d{1,9})$/.exec(what)?.[1];
  const desired = await desiredFor(context, number === undefined);
  const declared = (desired?.services ?? []).filter(({ state }) => state !== 'absent').map(declaredOf);
  const named = (desired?.services ?? []).filter(({ id, name }) => id === what || name === what).map(({ id }) => id);
  if (number === undefined && named.length === 0) throw unknownName(what, desired?.services ?? []);

  const rows = desired === undefined ? [] : await statusNow(context.config, desired);
  const processes = takeProcesses();
  const ports = createPorts(processes);
  const own = new Map(rows.flatMap(({ pid, name }) => (pid === null ? [] : [[pid, name] as const])));
  // Of the instances of a service each is a copy of the others, as declared.
  const isSibling = ({ service, process }: Lookalike) => {
    const owners = [own.get(process.pid), ...ownersOf(process, processes, own)];
    return owners.some((id) => id !== undefined && id !== service.id && nameOf(id) === nameOf(service.id));
  };
  const similar = [...lookalikes(declared, processes), ...supersededLikes(declared, processes)];
  const alike = similar.filter((one) => !isSibling(one));

  const asked = number === undefined ? undefined : askedFor(Number(number), what.startsWith(':'), processes, ports);
  const isAbout = (id: string) => named.includes(id);
  const pids = new Set([
    ...[...own].flatMap(([pid, id]) => (isAbout(id) ? [pid] : [])),
    ...alike.flatMap(({ service, process }) => (isAbout(service.id) ? [process.pid] : [])),
    ...(asked?.pids ?? []),
  ]);
  if (number !== undefined && named.length === 0 && pids.size === 0 && asked?.unseen.length === 0) {
    const missing = what.startsWith(':') ? '' : `there is no process ${number}, and `;
    const summary = `cannot find ${what}: ${missing}nobody listens on port ${number}`;
    throw new Failure({ code: 'nobody', summary, hint: 'a service goes by its name: `reconcile status` lists them' });
  }
  const found = [...pids].flatMap((pid) => processes.get(pid) ?? []);
  const told = found
    .map((process) => processOf(process, { processes, ports, own, alike, below: ownersOf(process, processes, own) }))
    .sort((a, b) => rankOf(a) - rankOf(b) || a.pid - b.pid);
  const about = new Set([
    ...named,
    ...told.flatMap(({ matches }) => matches.flatMap(({ kind, service }) => (kind === 'likely' ? [] : [service]))),
  ]);
  const { claims, unreadable } = readClaims(claimsFrom(desired, processes));
  const duels = holdsByDuel(recordedDuels(context.config.stateDir));
  const isSuperseded = supersededBy(declared);
  return {
    asked: what,
    services: rows
      .filter(({ name }) => about.has(name))
      .map(({ name, supervisor, state, pid }) => {
        const duel = duels.get(name);
        return { name, supervisor, state, pid, ...(duel === undefined ? {} : { duel }) };
      }),
    processes: told,
    conflicts: conflictsIn(declared, claims, true)
      .filter(({ service }) => about.has(service))
      .map(
        (conflict): WhoConflict => ({
          service: conflict.service,
          what: conflict.what,
          name: maskText(nameOfThing(conflict.thing)),
          does: conflict.does,
          where: conflict.where,
          why: maskText(conflict.why),
          superseded: isSuperseded(conflict.thing),
        }),
      ),
    unread: [...unreadable, ...(asked?.unseen ?? []), ...hiddenOf(told)],
  };
}

/** Of a pid or port it can be told who holds it without any desired state. */
async function desiredFor({ config, note, style }: Context, needed: boolean): Promise<Desired | undefined> {
  try {
    return await loadDesired(config);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const last = readLastGood(config.stateDir, config.desiredState);
    if (last === undefined && needed) throw error;
    const used = last === undefined ? 'No service is known' : 'The last good desired state is used';
    note(`${problemsText(error.problems, style)}\n${used}:\n`);
    return last;
  }
}

function unknownName(what: string, services: Desired['services']): Failure {
  const names = [...new Set(services.flatMap(({ id, name }) => [name, id]))];
  const near = closest(what, names);
  const hint = near === undefined ? 'name a declared service, a pid, or a port as :8010' : `did you mean '${near}'?`;
  return new Failure({
    code: 'unknown-service',
    summary: `cannot tell who runs '${what}': there is no such service`,
    hint,
  });
}

async function statusNow(
  { runtimeDir, logDir, ...config }: Config,
  desired: Desired,
): Promise<readonly ServiceStatus[]> {
  await using monitor = createMonitor();
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(
    supervisorsInUse({ runtimeDir, logDir, ...config }, desired),
    desired.instances,
  );
  const signal = new AbortController().signal;
  const observed = await observeAll(desired, supervisors, signal, { thorough: true, looking: true });
  return statusOf(desired, observed, unprobed(desired, observed));
}

function claimsFrom(desired: Desired | undefined, processes: Processes) {
  if (desired === undefined) return { processes };
  const { owner } = desired.policy;
  const supervisords = desired.instances.map((instance) => ({
    config: instance.config,
    own: programsFile(instance, owner),
  }));
  return { owner, supervisords, processes };
}

interface Asked {
  readonly pids: readonly number[];
  readonly unseen: readonly string[];
}

/** A number may be a pid and a port at once: both are told. */
function askedFor(number: number, portOnly: boolean, processes: Processes, ports: Ports): Asked {
  const self = portOnly || processes.get(number) === undefined ? [] : [number];
  if (number > 65_535) return { pids: self, unseen: [] };
  const { pids, unseen } = ports.holders(number);
  const words = unseen.map((socket) => `${nameOfSocket(socket)} is held by a process of another user: ask as root`);
  return { pids: [...self, ...pids.filter((pid) => !self.includes(pid))], unseen: words };
}

/** Processes that a service is declared to take the place of. */
function supersededLikes(declared: readonly Declared[], processes: Processes): readonly Lookalike[] {
  const things = declared.flatMap((service) =>
    service.supersedes.flatMap((thing): Declared[] => (thing.kind === 'process' ? [standIn(service, thing)] : [])),
  );
  return lookalikes(things, processes)
    .filter(({ match }) => match.kind === 'exact')
    .map((one) => ({ ...one, match: { ...one.match, evidence: ['superseded by it', ...one.match.evidence] } }));
}

function standIn(service: Declared, { command, user }: Extract<Thing, { readonly kind: 'process' }>): Declared {
  const { id, supervisor, supersedes } = service;
  return { id, supervisor, supersedes, command, user, directory: undefined };
}

interface Known {
  readonly processes: Processes;
  readonly ports: Ports;
  readonly own: ReadonlyMap<number, string>;
  readonly alike: readonly Lookalike[];
  /** The services whose processes are above it. */
  readonly below: readonly string[];
}

function ownersOf(process: Process, processes: Processes, own: ReadonlyMap<number, string>): readonly string[] {
  return processes.ancestorsOf(process.pid).flatMap(({ pid }) => own.get(pid) ?? []);
}

function processOf(process: Process, { processes, ports, own, alike, below }: Known): WhoProcess {
  const manager = managerOf(process, processes);
  const service = own.get(process.pid);
  const similar = alike.filter((one) => one.process.pid === process.pid);
  const matches: WhoMatch[] = [
    ...(service === undefined ? [] : [{ service, kind: 'own' as const, score: 1, evidence: [] }]),
    ...below.map((id) => ({
      service: id,
      kind: 'own' as const,
      score: 1,
      evidence: ['a process of it is above this one'],
    })),
    ...similar
      .filter((one) => one.service.id !== service && !below.includes(one.service.id))
      .map(({ service: { id }, match: { kind, score, evidence } }): WhoMatch => {
        return { service: id, kind: kind === 'exact' ? 'exact' : 'likely', score, evidence: evidence.map(maskText) };
      }),
  ];
  const { kind, evidence } = manager;
  return {
    pid: process.pid,
    started: new Date(beganAt(process)).toISOString(),
    user: process.user ?? (process.uid === undefined ? null : String(process.uid)),
    manager: { kind, name: nameOfManager(manager), evidence },
    parents: processes
      .ancestorsOf(process.pid)
      .map(({ pid, argv }) => ({ pid, command: isShim(argv) ? SHIM : shown(argv) })),
    ports: ports.of(process.pid)?.map(nameOfSocket) ?? null,
    directory: process.cwd ?? null,
    command: shown(process.argv),
    matches,
  };
}

/** What a service's supervisor runs first, then its copies. */
function rankOf({ matches }: WhoProcess): number {
  const kinds = matches.map(({ kind }) => kind);
  if (kinds.includes('own')) return 0;
  return kinds.includes('exact') ? 1 : kinds.includes('likely') ? 2 : 3;
}

function hiddenOf(processes: readonly WhoProcess[]): readonly string[] {
  const hidden = processes.filter(({ ports, directory }) => ports === null || directory === null);
  if (hidden.length === 0) return [];
  return [`ports and folders of ${hidden.map(({ pid }) => pid).join(', ')}, of other users: ask as root`];
}
