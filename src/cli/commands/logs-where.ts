import { statSync } from 'node:fs';
import { join } from 'node:path';
import { checkNames } from '../../check-names.ts';
import { supervisorsInUse } from '../../engine.ts';
import { expandGroups } from '../../groups.ts';
import { createMonitor } from '../../health/monitor.ts';
import type { Reading } from '../../logs/reader.ts';
import type { Desired, Service, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { openRegistry, type Registry } from '../../supervisors/index.ts';
import type { LogPlace, Stream } from '../../supervisors/log-place.ts';
import type { Context } from '../context.ts';
import { desiredNow } from './lease.ts';

/** Where the services log that were asked for, now. */
export interface Where {
  readonly services: readonly ServiceId[];
  readonly readings: readonly Reading[];
  readonly problems: readonly (readonly [id: ServiceId, problem: Problem])[];
}

export interface Lookout extends AsyncDisposable {
  look(): Promise<Where>;
}

/** Looks for services by name, group or pattern. Fails at once for what no service is called. */
export async function openLookout(
  { config }: Context,
  names: readonly string[],
  streams: readonly Stream[],
): Promise<Lookout> {
  let desired = await desiredNow(config);
  let read = lastApplied(config.stateDir);
  checkNames(desired, new Map(), { only: expandGroups(names, desired.services), asked: [] });
  const monitor = createMonitor();
  let registry: Registry | undefined;
  return {
    look: async () => {
      // Where services are changes when something is applied; Git may be ahead of that.
      const now = lastApplied(config.stateDir);
      if (now !== read) desired = await desiredNow(config).catch(() => desired);
      read = now;
      const { runtimeDir, logDir } = config;
      registry ??= openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
      const services = chosen(desired, names);
      const supervisors = await registry.take(supervisorsInUse(config, desired), desired.instances);
      const found = new Map<ServiceId, LogPlace[]>();
      const unknown: Problem[] = [];
      for (const supervisor of supervisors.values()) {
        const { places, problem } = await supervisor.logs(services);
        for (const [id, some] of places) found.set(id, [...(found.get(id) ?? []), ...some]);
        if (problem !== undefined) unknown.push(problem);
      }
      return whereOf(services, found, unknown, streams);
    },
    [Symbol.asyncDispose]: async () => {
      await registry?.[Symbol.asyncDispose]();
      await monitor[Symbol.asyncDispose]();
    },
  };
}

function chosen({ services }: Desired, names: readonly string[]): readonly Service[] {
  const wanted = new Set(expandable(names, services));
  return services.filter(({ id, name }) => wanted.has(id) || wanted.has(name));
}

/** A group may lose its last service while it is followed. */
function expandable(names: readonly string[], services: readonly Service[]): readonly string[] {
  return names.flatMap((name) => {
    try {
      return expandGroups([name], services);
    } catch {
      return [];
    }
  });
}

function whereOf(
  services: readonly Service[],
  found: ReadonlyMap<ServiceId, readonly LogPlace[]>,
  unknown: readonly Problem[],
  streams: readonly Stream[],
): Where {
  const readings: Reading[] = [];
  const problems: (readonly [ServiceId, Problem])[] = [];
  const byPath = new Map<string, ServiceId>();
  for (const { id, supervisor } of services) {
    const places = found.get(id);
    if (places === undefined) {
      const [problem] = unknown;
      problems.push([id, problem ?? notHere(id, supervisor)]);
      continue;
    }
    const own = places.flatMap((place) => readingOf(id, place, streams) ?? []);
    for (const reading of own) {
      const same = reading.kind === 'file' ? byPath.get(reading.path) : undefined;
      if (same === undefined) readings.push(reading);
      else if (same !== id) problems.push([id, sharedProblem(id, same, reading.source.name)]);
      if (reading.kind === 'file') byPath.set(reading.path, same ?? id);
    }
    const nowhere = places.filter(
      (place) => place.kind === 'nowhere' && place.streams.some((s) => streams.includes(s)),
    );
    if (own.every(({ kind }) => kind === 'journal'))
      for (const place of nowhere)
        problems.push([id, nowhereProblem(id, place as Extract<LogPlace, { kind: 'nowhere' }>)]);
  }
  return { services: services.map(({ id }) => id), readings, problems };
}

function readingOf(id: ServiceId, place: LogPlace, streams: readonly Stream[]): Reading | undefined {
  if (place.kind === 'nowhere') return undefined;
  const stream = place.streams.length === 1 ? (place.streams[0] as Stream) : 'both';
  if (place.kind === 'journal') {
    // What systemd says of a unit is no output of it.
    if (streams.length < 2 && !place.streams.some((one) => streams.includes(one))) return undefined;
    const { scope, unit } = place;
    return { kind: 'journal', source: { id, stream: 'both', name: `journal:${unit}` }, scope, unit };
  }
  if (!place.streams.some((one) => streams.includes(one))) return undefined;
  return { kind: 'file', source: { id, stream, name: place.path }, path: place.path };
}

function notHere(id: ServiceId, supervisor: string): Problem {
  return {
    code: 'not-here',
    summary: `cannot show the logs of ${id}: nothing of it is under ${supervisor} on this host yet`,
    hint: `what would be done: \`reconcile --dry-run\`${process.getuid?.() === 0 ? '' : '; where root has it: ask as root'}`,
  };
}

function sharedProblem(id: ServiceId, other: ServiceId, path: string): Problem {
  const summary = `cannot tell the lines of ${id} and ${other} apart: both write to ${path}; they are shown as those of ${other}`;
  return { code: 'log-shared', summary };
}

function nowhereProblem(id: ServiceId, { streams, why }: Extract<LogPlace, { kind: 'nowhere' }>): Problem {
  const what =
    streams.length === 2 ? 'its output' : streams[0] === 'stdout' ? 'its standard output' : 'its standard error';
  return {
    code: 'logs-nowhere',
    summary: `cannot show the logs of ${id}: ${what} ${why}`,
    hint: 'say where it is to go: `logs.stdout` and `logs.stderr` in its file',
  };
}

/** What tells that something was applied. */
function lastApplied(stateDir: string): string {
  try {
    const stat = statSync(join(stateDir, 'decisions', 'last-good.json'), { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino}:${stat.mtimeMs}`;
  } catch {
    return '';
  }
}
