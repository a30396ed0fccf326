import type { Json } from '../../canonical.ts';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';

/** What `reconcile who` has found; nothing in it is secret any more. */
export interface WhoReport {
  /** As it was asked for: `web`, `4711`, `:8010`. */
  readonly asked: string;
  /** The declared services that it is about. */
  readonly services: readonly WhoService[];
  readonly processes: readonly WhoProcess[];
  readonly conflicts: readonly WhoConflict[];
  /** What could not be read, and so may be missing. */
  readonly unread: readonly string[];
}

export interface WhoService {
  readonly name: string;
  readonly supervisor: string;
  /** As `status` says it. */
  readonly state: string;
  readonly pid: number | null;
  /** It is left alone, since somebody undid what was done to it so many times. */
  readonly duel?: { readonly rounds: number; readonly evidence: readonly string[] };
}

export interface WhoProcess {
  readonly pid: number;
  /** ISO 8601. */
  readonly started: string;
  readonly user: string | null;
  /** Who runs it, and by what that is known. */
  readonly manager: { readonly kind: string; readonly name: string; readonly evidence: readonly string[] };
  /** Its parent first, up to the first process of all. */
  readonly parents: readonly { readonly pid: number; readonly command: string }[];
  /** Null where we may not look. */
  readonly ports: readonly string[] | null;
  readonly directory: string | null;
  readonly command: string;
  /** The services that it looks like. */
  readonly matches: readonly WhoMatch[];
}

export interface WhoMatch {
  readonly service: string;
  /** `own`: its supervisor runs this very process. */
  readonly kind: 'own' | 'exact' | 'likely';
  readonly score: number;
  readonly evidence: readonly string[];
}

export interface WhoConflict {
  readonly service: string;
  readonly what: string;
  readonly name: string;
  readonly does: 'runs' | 'restarts';
  readonly where: string;
  readonly why: string;
  /** It is named in `supersedes`. */
  readonly superseded: boolean;
}

interface Options {
  readonly style: Style;
  readonly width: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const LABEL = 11;

/** What is found, one process a block; the service's own first. */
export function whoText(report: WhoReport, options: Options): string {
  const { services, processes, conflicts, unread } = visible(report);
  const { style, width } = options;
  const blocks = [
    ...services.map((service) => [...serviceText(service, processes, style), ...duelText(service, options)]),
    ...processes.map((process) => processText(process, options)),
    ...(conflicts.length === 0 ? [] : [conflictsText(conflicts, options)]),
    ...(unread.length === 0
      ? []
      : [['Not everything could be read:', ...unread.flatMap((text) => indented(text, 2, width))].map(style.dim)]),
  ];
  return `${blocks.map((lines) => lines.map((line) => line.trimEnd()).join('\n')).join('\n\n')}\n`;
}

/** The same for programs. */
export function whoJson({ asked, services, processes, conflicts, unread }: WhoReport): Json {
  return {
    asked,
    services: services.map(({ duel, ...service }) => ({
      ...service,
      ...(duel === undefined ? {} : { duel: { rounds: duel.rounds, evidence: [...duel.evidence] } }),
    })),
    processes: processes.map((process) => ({
      pid: process.pid,
      started: process.started,
      user: process.user,
      manager: { ...process.manager, evidence: [...process.manager.evidence] },
      parents: process.parents.map(({ pid, command }) => ({ pid, command })),
      ports: process.ports === null ? null : [...process.ports],
      directory: process.directory,
      command: process.command,
      matches: process.matches.map((match) => ({ ...match, evidence: [...match.evidence] })),
    })),
    conflicts: conflicts.map((conflict) => ({ ...conflict })),
    unread: [...unread],
  };
}

function serviceText({ name, supervisor, state, pid }: WhoService, processes: readonly WhoProcess[], style: Style) {
  const of = processes.filter(({ matches }) => matches.some(({ service }) => service === name));
  const others = of.filter(({ matches }) => !matches.some((match) => match.service === name && match.kind === 'own'));
  const has = `${supervisor} has it ${state}${pid === null ? '' : ` as pid ${pid}`}`;
  if (of.length === 0) return [`${style.bold(name)}: nobody runs it; ${has}.`];
  const copies = others.filter(({ matches }) => matches.some((m) => m.service === name && m.kind === 'exact')).length;
  const alike = others.length - copies;
  const more = [
    ...(copies === 0
      ? []
      : [style.red(`${copies} ${copies === 1 ? 'other process runs' : 'other processes run'} it too`)]),
    ...(alike === 0 ? [] : [style.yellow(`${alike} more ${alike === 1 ? 'looks' : 'look'} like it`)]),
  ];
  return [`${[`${style.bold(name)}: ${has}`, ...more].join('; ')}.`];
}

function duelText({ duel }: WhoService, { width }: Options): string[] {
  if (duel === undefined) return [];
  return [
    `  left alone: somebody undid it ${duel.rounds} times`,
    ...duel.evidence.flatMap((text) => indented(text, 4, width)),
  ];
}

function processText(process: WhoProcess, { style, width, now }: Options): string[] {
  const { manager, parents, ports, matches } = process;
  const parentPid = Math.max(...parents.map(({ pid }) => String(pid).length), 0);
  const rows: (readonly [label: string, values: readonly string[]])[] = [
    ['started', [`${process.started.slice(0, 19).replace('T', ' ')} UTC, ${ago(process.started, now)} ago`]],
    ['user', [process.user ?? 'unknown']],
    ['run by', [`${manager.name}: ${manager.evidence.join('; ')}`]],
    [
      'parents',
      parents.map(
        ({ pid, command }) => `${String(pid).padEnd(parentPid)}  ${cut(command, width - LABEL - 4 - parentPid)}`,
      ),
    ],
    ['ports', ports === null ? ['unknown: only its user and root may look'] : ports],
    ['directory', [process.directory ?? 'unknown: only its user and root may look']],
    ['command', [process.command]],
    ['match', matches.map(matchText)],
  ];
  const lines = rows.flatMap(([label, values]) =>
    values.flatMap((value, i) =>
      wrapped(value, Math.max(20, width - LABEL - 2)).map((part, j) => {
        const head = i === 0 && j === 0 ? label : '';
        return `  ${style.dim(head.padEnd(LABEL))}${part}`;
      }),
    ),
  );
  return [headOf(process, style), ...lines];
}

function headOf({ pid, matches }: WhoProcess, style: Style): string {
  const best = (['own', 'exact', 'likely'] as const).find((kind) => matches.some((match) => match.kind === kind));
  const names = matches.filter(({ kind }) => kind === best).map(({ service }) => service);
  const head = style.bold(`pid ${pid}`);
  switch (best) {
    case 'own':
      return `${head}  ${style.green(`is ${names.join(', ')}`)}`;
    case 'exact':
      return `${head}  ${style.red(`runs the command of ${names.join(', ')}, but not under its supervisor`)}`;
    case 'likely':
      return `${head}  ${style.yellow(`looks like ${names.join(', ')}`)}`;
    case undefined:
      return `${head}  is no declared service`;
  }
}

function matchText({ service, kind, score, evidence }: WhoMatch): string {
  const why = evidence.length === 0 ? '' : `: ${evidence.join('; ')}`;
  if (kind === 'own') return `${service}, its supervisor says${why}`;
  return `${service}, ${kind} (${score.toFixed(2)})${why}`;
}

function conflictsText(conflicts: readonly WhoConflict[], { style, width }: Options): string[] {
  return conflicts.flatMap(({ service, what, name, does, where, why, superseded }) => {
    const head = `${name.startsWith(what) ? name : `${what} ${name}`} ${does} ${service}${does === 'runs' ? ' too' : ''}`;
    const told = superseded ? style.dim(`${head}, and is superseded`) : style.yellow(head);
    return [told, ...indented(where, 4, width), ...indented(why, 4, width)];
  });
}

function indented(text: string, by: number, width: number): string[] {
  return wrapped(text, Math.max(20, width - by)).map((line) => ' '.repeat(by) + line);
}

function cut(text: string, length: number): string {
  return text.length <= Math.max(length, 20) ? text : `${text.slice(0, Math.max(length, 20) - 1)}…`;
}

/** What others write on their command lines does not get to move the cursor. */
function visible<T>(value: T): T {
  if (typeof value === 'string') {
    return value.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => {
      return `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
    }) as T;
  }
  if (Array.isArray(value)) return value.map(visible) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visible(item)])) as T;
}

/** The two largest units: `3d04h`, `12m05s`, `8s`. */
function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(iso)) / 1000));
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  if (days > 0) return `${days}d${two(hours)}h`;
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}
