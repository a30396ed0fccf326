import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { readDecision, writeDecision } from '../decisions.ts';
import { readInputs } from '../desired/inputs.ts';
import { type DuelRecord, type Duels, duelsLeft, readDuels, saveDuels } from '../duels/record.ts';
import type { Rounds } from '../duels/rounds.ts';
import type { Names } from '../duels/subjects.ts';
import type { Definition, Held, Service, ServiceId } from '../model.ts';
import type { Supervisors } from '../supervisors/index.ts';
import { readConfig } from '../supervisors/supervisord/config-file.ts';
import { unitOf } from '../supervisors/systemd/names.ts';
import { wantedOf } from './look.ts';

const STORE = { read: readDecision, write: writeDecision };

export type DuelHold = Extract<Held['reason'], { readonly kind: 'duel' }>;

/** The duels that were recorded on this host. Fails where what was written is damaged. */
export function recordedDuels(stateDir: string): Duels {
  return readDuels(stateDir, STORE);
}

/** Those that go on, as Git is now and with what a person asks for. */
export function duelsNow(
  stateDir: string,
  services: readonly Service[],
  definitions: ReadonlyMap<ServiceId, Definition>,
  asked: ReadonlySet<ServiceId>,
): Duels {
  const duels = recordedDuels(stateDir);
  if (duels.size === 0) return duels;
  const wanted = services
    .filter(({ id }) => duels.has(id))
    .map((service) => [service.id, wantedOf(service, definitions.get(service.id))] as const);
  return duelsLeft(duels, new Map(wanted), asked);
}

/** What a plan is told of them. */
export function holdsByDuel(duels: Duels): ReadonlyMap<ServiceId, DuelHold> {
  return new Map([...duels].map(([id, record]) => [id, holdOf(record)]));
}

export function holdOf({ since, rounds, findings }: DuelRecord): DuelHold {
  return { kind: 'duel', since, rounds, evidence: findings.map(({ evidence }) => evidence) };
}

/** Those that are over are forgotten. */
export function keepDuels(stateDir: string, left: Duels): void {
  saveDuels(stateDir, recordedDuels(stateDir), left, STORE);
}

/** From now on it is left alone. */
export function recordDuel(
  stateDir: string,
  service: ServiceId,
  wanted: string,
  { rounds, since, until, evidence }: Extract<Rounds, { readonly kind: 'duel' }>,
): DuelRecord {
  const record = { service, rounds, since, until, wanted, findings: evidence };
  const before = recordedDuels(stateDir);
  saveDuels(stateDir, before, new Map([...before, [service, record]]), STORE);
  return record;
}

/** A digest of what Git wants of a service that was applied. */
export function wantedNow({ stateDir }: Config, service: Service, supervisors: Supervisors): string {
  const key = readFileSync(join(stateDir, 'key'));
  const [read = service] = readInputs([service], key).services;
  const defined = supervisors.get(read.supervisor)?.define(read);
  return wantedOf(read, defined === undefined || Array.isArray(defined) ? undefined : (defined as Definition));
}

/** As the configurations of this host name things. */
export function namesHere(): Names {
  return { user: process.getuid?.() !== 0, unitOf, programsIn, serverOf };
}

export function programsIn(config: string): ReturnType<Names['programsIn']> {
  const server = serverOf(config);
  return readConfig(config).groups.flatMap(({ name: group, programs }) =>
    programs.flatMap(({ processes }) => processes.map(({ name }) => ({ group, program: name, config, server }))),
  );
}

/** As supervisord names itself to its programs. */
function serverOf(config: string): string | undefined {
  const listener = readConfig(config).listeners.find(({ kind }) => kind === 'unix');
  return listener?.kind === 'unix' ? `unix://${listener.path}` : undefined;
}
