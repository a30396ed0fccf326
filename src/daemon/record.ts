import { digest, type Json } from '../canonical.ts';
import type { Config } from '../config.ts';
import type { NewEntry } from '../journal/entry.ts';
import { type Journal, openJournal } from '../journal/journal.ts';
import type { Event, Plan, Step } from '../model.ts';
import type { Problem } from '../problem.ts';
import { maskField, maskText } from '../secrets.ts';
import type { DaemonEvent } from './event.ts';
import { tellLeft } from './left.ts';
import { levelOf } from './levels.ts';
import { eventText } from './words.ts';

/** Writes what happens into the journal. Never throws, and waits for nothing. */
export interface Recorder extends Disposable {
  readonly tell: (event: DaemonEvent) => void;
  /** What is no event of the daemon's: that it began, and how it ended. */
  note(kind: string, text: string, data?: Json): void;
}

export interface RecorderOptions {
  /** In a daemon, that stays; else for one apply, where nobody else tells what a plan leaves alone. */
  readonly stays: boolean;
  /** What the first run is for. */
  readonly causes?: readonly string[];
  readonly onTrouble: (problem: Problem) => void;
}

/**
 * Every event as it is told becomes an entry, of whatever kind: its service, its words, and the rest of it, masked. A plan
 * becomes one for the run and one for each step. A run that finds nothing to do and nothing new leaves no trace: there is
 * one every few minutes. Nothing is opened before there is something to record.
 */
export function openRecorder({ stateDir }: Pick<Config, 'stateDir'>, options: RecorderOptions): Recorder {
  const { stays, onTrouble } = options;
  let opened: Journal | undefined;
  const journal = () => {
    opened ??= openJournal({ stateDir, stays, onTrouble });
    return opened;
  };
  let causes = (options.causes ?? []).map(maskText);
  let revision: string | undefined;
  let run: Run | undefined;
  let known: string | undefined;
  let lastRun = 0;
  let noticed: ReadonlySet<string> = new Set();

  const entry = (kind: string, more: Partial<NewEntry>): NewEntry => ({
    at: Date.now(),
    kind,
    level: 'info',
    text: kind,
    data: {},
    ...(revision === undefined ? {} : { revision }),
    ...more,
  });

  const planned = (plan: Plan): readonly NewEntry[] => {
    run = undefined;
    revision = plan.revision;
    const { steps, held, notices } = plan;
    if (!stays && steps.length + held.length + notices.length === 0) return [];
    const what = digestOf(plan);
    if (!stays) known ??= digestIn(journal().newest('planned')?.data);
    if (steps.length === 0 && what === known) return [];
    known = what;
    lastRun = Math.max(lastRun + 1, Date.now());
    run = { id: lastRun.toString(36), about: new Set(steps.map(({ service }) => service)) };
    const head = entry('planned', {
      run: run.id,
      text: `${causes.length === 0 ? '' : `${causes.join(', ')}: `}${countText(plan)}`,
      data: { causes, steps: steps.length, held: held.length, digest: what },
    });
    const ofRun = { run: run.id };
    const all = steps.map((step) =>
      entry('step', {
        ...ofRun,
        service: step.service,
        text: `to do: ${step.action}${effectOf(step)}`,
        data: masked(bare(step)),
      }),
    );
    const isNew = notices.map((notice) => JSON.stringify(notice));
    const told = notices
      .filter((_, i) => !noticed.has(isNew[i] ?? ''))
      .map((notice) =>
        entry('notice', { ...ofRun, service: notice.service, text: `notice: ${notice.kind}`, data: masked(notice) }),
      );
    noticed = new Set(isNew);
    return [head, ...all, ...told];
  };

  const entriesOf = (event: DaemonEvent): readonly NewEntry[] => {
    switch (event.kind) {
      case 'run':
        [causes, run] = [event.causes.map(maskText), undefined];
        return [];
      case 'planned':
        return planned(event.plan);
      case 'applied': {
        if (run === undefined) return [];
        const { id } = run;
        run = undefined;
        const { steps, took } = event.report;
        const undone = steps.filter(({ outcome }) => outcome.kind !== 'done').length;
        if (steps.length === 0) return [];
        const data = { done: steps.length - undone, undone, took: Math.round(took) };
        return [entry('applied', { run: id, level: undone > 0 ? 'warn' : 'info', text: eventText(event), data })];
      }
      default:
        // Of each as if it were alone: whoever looks at one of them is to see it.
        if ('services' in event) return event.services.map((service) => of({ ...event, services: [service] }, service));
        return [of(event, serviceOf(event))];
    }
  };

  const of = (event: DaemonEvent, service: string | undefined): NewEntry => {
    const text = maskText(eventText(event));
    const head = service !== undefined && text.startsWith(`${service}: `) ? `${service}: ` : '';
    const isOfRun = run !== undefined && (service === undefined || event.kind === 'held' || run.about.has(service));
    return entry(event.kind, {
      ...(isOfRun ? { run: run?.id ?? '' } : {}),
      ...(service === undefined ? {} : { service }),
      level: levelOf(event),
      text: text.slice(head.length) || event.kind,
      data: masked(rest(event)),
    });
  };

  const left = tellLeft((event) => tell(event));
  const tell = (event: DaemonEvent) => {
    try {
      const entries = entriesOf(event);
      if (entries.length > 0) journal().record(entries);
      if (!stays && event.kind === 'planned' && run !== undefined) left(event.plan, {}, true);
    } catch (error) {
      // An event that can't be told is a defect of ours, and no reason to end anything.
      onTrouble({
        code: 'journal',
        summary: `cannot record that something happened (${event.kind}): ${String(error)}`,
      });
    }
  };
  return {
    tell,
    note: (kind, text, data = {}) => journal().record([entry(kind, { text: maskText(text), data: masked(data) })]),
    [Symbol.dispose]: () => opened?.[Symbol.dispose](),
  };
}

/** An apply's events go to both. */
export function recorded(emit: (event: Event) => void, { tell }: Pick<Recorder, 'tell'>): (event: Event) => void {
  return (event) => {
    tell(event);
    emit(event);
  };
}

interface Run {
  readonly id: string;
  /** What it has steps for: what happens to those meanwhile is its doing. */
  readonly about: ReadonlySet<string>;
}

function serviceOf(event: DaemonEvent): string | undefined {
  if ('service' in event) return event.service;
  // Of a group or of everything it is of no service alone.
  if ('name' in event) return event.name.includes('*') ? undefined : event.name;
  return 'step' in event ? event.step.service : undefined;
}

/** What an entry does not have in its columns. */
function rest(event: DaemonEvent): object {
  const {
    kind: _,
    service: __,
    services: ___,
    step,
    ...more
  } = event as DaemonEvent & Readonly<Record<string, unknown>>;
  return step === undefined ? more : { step: brief(step as Step), ...more };
}

const brief = ({ id, action, effect }: Step) => ({ id, action, effect });

function bare({ id, supervisor, action, effect, reason, seen, files = [], boot, gates }: Step): object {
  const paths = files.map(({ path }) => path);
  return {
    ...{ id, supervisor, action, effect, reason, seen },
    ...(paths.length === 0 ? {} : { files: paths }),
    ...(boot === undefined ? {} : { boot }),
    ...(gates === undefined ? {} : { gates }),
  };
}

/** Whole plans have entries of their own; definitions, texts of files and lines of them are where values may be secret. */
const LEFT_OUT: ReadonlySet<string> = new Set(['plan', 'report', 'target', 'handover', 'again', 'interim']);

/** As plans show it. */
function masked(value: object | Json): Json {
  return maskField('', pruned(value)) ?? null;
}

/** As JSON, without what is left out. */
function pruned(value: unknown): Json {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value === 'object' && value !== null) {
    const kept = Object.entries(value).filter(([key, item]) => item !== undefined && !isLeftOut(key, item));
    return Object.fromEntries(kept.map(([key, item]) => [key, pruned(item)]));
  }
  return isPlain(value) ? value : null;
}

/** The id of a plan is no plan. */
function isLeftOut(key: string, item: unknown): boolean {
  return key === 'excerpt' || (LEFT_OUT.has(key) && typeof item === 'object');
}

function isPlain(value: unknown): value is string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null;
}

function effectOf({ action, effect }: Step): string {
  return effect === action || effect === 'none' ? '' : ` (${effect})`;
}

/** `2 steps (1 create, 1 replace), 1 held` */
function countText({ steps, held }: Plan): string {
  const actions = [...Map.groupBy(steps, ({ action }) => action)].map(([action, all]) => `${all.length} ${action}`);
  const what = steps.length === 0 ? 'nothing to do' : `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`;
  return `${what}${steps.length === 0 ? '' : ` (${actions.join(', ')})`}${held.length === 0 ? '' : `, ${held.length} held`}`;
}

/** What a plan says that is worth telling again where it changes. */
function digestOf({ revision, steps, held, notices }: Plan): string {
  return digest(JSON.stringify([revision, steps.map(({ id, effect }) => [id, effect]), held, notices]));
}

function digestIn(data: Json | undefined): string | undefined {
  const known = data as { readonly digest?: unknown } | null | undefined;
  return typeof known?.digest === 'string' ? known.digest : undefined;
}
