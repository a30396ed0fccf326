import { constants } from 'node:os';
import * as z from 'zod/mini';
import type { Exit } from '../../model.ts';

const Strings = z.array(z.string());

/** What is read of a unit, by systemd's own names: org.freedesktop.systemd1(5). */
const Unit = z.object({
  Id: z.string(),
  Names: Strings,
  LoadState: z.string(),
  LoadError: z.tuple([z.string(), z.string()]),
  ActiveState: z.string(),
  SubState: z.string(),
  UnitFileState: z.string(),
  FragmentPath: z.string(),
  SourcePath: z.string(),
  DropInPaths: Strings,
  NeedDaemonReload: z.boolean(),
  Transient: z.boolean(),
  ConditionResult: z.boolean(),
  ConditionTimestamp: z.number(),
  Job: z.tuple([z.number(), z.string()]),
  StateChangeTimestamp: z.number(),
  ActiveEnterTimestamp: z.number(),
  ActiveExitTimestamp: z.number(),
  InactiveEnterTimestamp: z.number(),
  InactiveExitTimestamp: z.number(),
  Requires: Strings,
  Requisite: Strings,
  BindsTo: Strings,
  PartOf: Strings,
});

/** And of one that is a service. */
const Service = z.object({
  Type: z.string(),
  Restart: z.string(),
  MainPID: z.number(),
  NRestarts: z.number(),
  Result: z.string(),
  ExecMainCode: z.number(),
  ExecMainStatus: z.number(),
  ExecMainStartTimestamp: z.number(),
  ExecMainExitTimestamp: z.number(),
  ControlGroup: z.string(),
});

/** What is asked for by itself alone. */
const Single = z.object({ CanReload: z.boolean() });

const SHAPES = { ...Unit.shape, ...Service.shape, ...Single.shape };
export type PropertyName = keyof typeof SHAPES;
export type PropertyValue<N extends PropertyName> = z.infer<(typeof SHAPES)[N]>;

/** The interface that has a property. */
export function faceOf(name: PropertyName): string {
  return name in Unit.shape || name in Single.shape
    ? 'org.freedesktop.systemd1.Unit'
    : 'org.freedesktop.systemd1.Service';
}

/** Throws what zod says of another shape. */
export function propertyValue<N extends PropertyName>(name: N, value: unknown): PropertyValue<N> {
  return SHAPES[name].parse(value) as PropertyValue<N>;
}

/** Times are milliseconds since the epoch, undefined for never. */
export interface UnitProperties {
  /** The name proper, where it was asked for by another (an alias). */
  readonly id: string;
  readonly names: readonly string[];
  /** loaded, not-found, bad-setting, error, merged, masked, stub. */
  readonly load: string;
  /** Why it is not loaded. */
  readonly loadError: string | undefined;
  /** active, reloading, inactive, failed, activating, deactivating, maintenance. A unit that is not-found may be active. */
  readonly active: string;
  readonly sub: string;
  /** enabled, disabled, static, masked, masked-runtime, linked, indirect, alias, generated, transient …; '' where it has no file. */
  readonly fileState: string;
  readonly fragment: string | undefined;
  /** What a generator made it from. */
  readonly source: string | undefined;
  readonly dropIns: readonly string[];
  /** Not to be trusted where it says no. */
  readonly needsReload: boolean;
  readonly transient: boolean;
  /** False where a condition kept it from being started the last time. */
  readonly conditionsMet: boolean;
  /** A job of it waits or runs. */
  readonly job: boolean;
  readonly changed: number | undefined;
  readonly activeSince: number | undefined;
  readonly activeUntil: number | undefined;
  readonly inactiveSince: number | undefined;
  readonly inactiveUntil: number | undefined;
  readonly requires: readonly string[];
  readonly requisite: readonly string[];
  readonly bindsTo: readonly string[];
  readonly partOf: readonly string[];
  /** Of a .service alone. */
  readonly service: ServiceProperties | undefined;
}

export interface ServiceProperties {
  readonly type: string;
  readonly restart: string;
  readonly mainPid: number | undefined;
  /** Restarts by systemd since it was last started. */
  readonly restarts: number;
  /** success, exit-code, signal, core-dump, timeout, watchdog, start-limit-hit, oom-kill, resources, protocol, exec-condition. */
  readonly result: string;
  /** How the main process ended, the last time one did. */
  readonly exit: Exit | undefined;
  readonly started: number | undefined;
  readonly exited: number | undefined;
  /** It has ended because systemd was asked to stop it, whoever asked. */
  readonly stopAsked: boolean;
  readonly controlGroup: string | undefined;
}

/** Of what GetAll of all interfaces brought. Throws what zod says of another shape. */
export function unitOf(all: unknown): UnitProperties {
  const unit = Unit.parse(all);
  return {
    id: unit.Id,
    names: unit.Names,
    load: unit.LoadState,
    loadError: unit.LoadError[1] || undefined,
    active: unit.ActiveState,
    sub: unit.SubState,
    fileState: unit.UnitFileState,
    fragment: unit.FragmentPath || undefined,
    source: unit.SourcePath || undefined,
    dropIns: unit.DropInPaths,
    needsReload: unit.NeedDaemonReload,
    transient: unit.Transient,
    conditionsMet: unit.ConditionResult || unit.ConditionTimestamp === 0,
    job: unit.Job[0] !== 0,
    changed: time(unit.StateChangeTimestamp),
    activeSince: time(unit.ActiveEnterTimestamp),
    activeUntil: time(unit.ActiveExitTimestamp),
    inactiveSince: time(unit.InactiveEnterTimestamp),
    inactiveUntil: time(unit.InactiveExitTimestamp),
    requires: unit.Requires,
    requisite: unit.Requisite,
    bindsTo: unit.BindsTo,
    partOf: unit.PartOf,
    // Mounts have a Type too, sockets a Result.
    service: unit.Id.endsWith('.service') ? serviceOf(Service.parse(all), unit) : undefined,
  };
}

function serviceOf(service: z.infer<typeof Service>, unit: z.infer<typeof Unit>): ServiceProperties {
  return {
    type: service.Type,
    restart: service.Restart,
    mainPid: service.MainPID || undefined,
    restarts: service.NRestarts,
    result: service.Result,
    exit: exitOf(service.ExecMainCode, service.ExecMainStatus),
    started: time(service.ExecMainStartTimestamp),
    exited: time(service.ExecMainExitTimestamp),
    stopAsked: stopAsked(service, unit),
    controlGroup: service.ControlGroup || undefined,
  };
}

/**
 * A unit that is asked to stop is told to have left `active` first, and its process to have ended then; where the process
 * ends by itself it is the other way round. A one-shot is active after its process alone, until it is asked.
 */
function stopAsked(
  { Type, ExecMainExitTimestamp: ended }: z.infer<typeof Service>,
  { ActiveExitTimestamp: left, InactiveExitTimestamp: begun }: z.infer<typeof Unit>,
): boolean {
  return left > 0 && left >= begun && (left < ended || Type === 'oneshot');
}

/** Microseconds since the epoch, 0 for never. */
function time(microseconds: number): number | undefined {
  return microseconds === 0 ? undefined : Math.floor(microseconds / 1000);
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** si_code of SIGCHLD. */
const CLD_EXITED = 1;

function exitOf(code: number, status: number): Exit | undefined {
  if (code === 0) return undefined;
  if (code === CLD_EXITED) return { kind: 'code', code: status };
  return { kind: 'signal', signal: SIGNALS.get(status) ?? `signal ${status}` };
}
