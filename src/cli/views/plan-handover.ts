import type { Json } from '../../canonical.ts';
import type { Handover, Predecessor, Step } from '../../model.ts';
import { nameOfThing } from '../../thing.ts';
import { formatDuration } from '../../units.ts';

/** One line, with its number before it where it has one. */
export interface Part {
  readonly mark: string;
  readonly text: string;
}

/** The parts of a handover, a retirement or a way back, in the order they come; nothing for other steps. */
export function handoverLines({ action, handover, supervisor, effect }: Step): readonly Part[] {
  if (handover === undefined) return [];
  switch (action) {
    case 'handover':
      return [...handover.from.map(fromLine), ...numbered(partsOf(handover, supervisor, effect))];
    case 'retire':
      return handover.from.flatMap((old) => [fromLine(old), ...numbered(endOf(old, handover.patience))]);
    case 'give-back':
      return [...handover.from.map(toLine), ...numbered(wayBack(handover))];
    default:
      return [];
  }
}

function nameOf(old: Predecessor): string {
  return old.kind === 'thing' ? nameOfThing(old.thing) : `${old.id} under ${old.supervisor}`;
}

function fromLine(old: Predecessor): Part {
  return { mark: '', text: fromText(old) };
}

function toLine(old: Predecessor): Part {
  return { mark: '', text: fromText(old).replace(/^from /, 'to ') };
}

function fromText(old: Predecessor): string {
  if (old.kind === 'own')
    return `from ${nameOf(old)}, which ${'pid' in old.run ? `runs as pid ${old.run.pid}` : `is ${old.run.kind}`}`;
  const { processes, enabled, where } = old.state;
  const [main, ...more] = processes;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  const runs = main === undefined ? 'does not run' : `runs as pid ${main.pid}${others}`;
  const boot = old.thing.kind === 'process' ? '' : enabled ? ', enabled' : ', not enabled';
  return `from ${nameOf(old)}, which ${runs}${boot}${where === undefined ? '' : ` (${where})`}`;
}

function numbered(parts: readonly string[]): Part[] {
  return parts.map((text, i) => ({ mark: `  ${i + 1}. `, text }));
}

function stopText(old: Predecessor, patience: number): string {
  return `stop ${nameOf(old)}: ${formatDuration(patience)}, then it is killed; proven gone, with all that descends from it`;
}

function isUp(old: Predecessor): boolean {
  return old.kind === 'own'
    ? 'pid' in old.run || old.run.kind === 'backoff'
    : old.state.processes.length > 0 || old.state.starting === true;
}

/** Nothing has to, or can, be done to keep it from being started again. */
function isKept(old: Predecessor): boolean {
  return (
    old.thing === undefined ||
    old.thing.kind === 'process' ||
    old.thing.kind === 'program' ||
    (old.kind === 'thing' && old.state.blocked !== undefined)
  );
}

function partsOf(
  { from, starts, order, soak, patience, runs }: Handover,
  supervisor: string,
  effect: Step['effect'],
): string[] {
  const block = from.flatMap((old) =>
    isKept(old) ? [] : [`keep ${nameOf(old)} from being started again, until the next boot`],
  );
  const stop = from.filter(isUp).map((old) => stopText(old, patience));
  const start = starts && !runs ? [`start it under ${supervisor}, and wait until it is ready and healthy`] : [];
  const swap = order === 'start-first' ? [...start, ...stop] : [...stop, ...start];
  const proof =
    starts && effect !== 'none'
      ? [`watch that it stays well for ${formatDuration(soak)}; if not, all is reversed`]
      : [];
  const end = from.map((old) => (old.kind === 'own' ? `remove ${nameOf(old)}` : endText(old)));
  return [...block, ...swap, ...proof, ...end, 'make its start at boot as declared'];
}

/** What becomes of a thing for good. */
function endText(old: Predecessor): string {
  if (old.kind === 'thing' && old.thing.kind === 'process') return `remember that ${nameOf(old)} was taken over`;
  return `disable ${nameOf(old)}, and keep what defines it`;
}

function endOf(old: Predecessor, patience: number): string[] {
  const name = nameOf(old);
  const up = old.kind === 'thing' && old.state.processes.length > 0;
  return [
    ...(up ? [stopText(old, patience)] : []),
    ...(old.thing?.kind === 'process' ? [] : [`disable ${name}, and keep what defines it`]),
  ];
}

function wayBack({ from, ours, runs, starts, patience, marks }: Handover): string[] {
  const things = from.map((old, i) => `restore ${nameOf(old)}${starts && marks[i]?.ran ? ', and start it' : ''}`);
  const stop = ours === undefined || !runs ? [] : [stopText(ours, patience)];
  const remove = ours === undefined ? [] : [`remove ${nameOf(ours)}`];
  return [...stop, ...remove, ...things];
}

/** The same for programs, as docs/plan.schema.json describes. */
export function handoverJson({ from, starts, order, soak, patience, begun }: Handover): Json {
  const olds = from.map((old): Json => {
    const name = nameOf(old);
    if (old.kind === 'own') return { kind: 'own', name, supervisor: old.supervisor, run: old.run.kind };
    const { processes, enabled, blocked, where } = old.state;
    return {
      kind: old.thing.kind,
      name,
      pids: processes.map(({ pid }) => pid),
      enabled,
      ...(blocked === undefined ? {} : { blocked }),
      ...(where === undefined ? {} : { where }),
    };
  });
  return { from: olds, starts, order, soak, patience, begun: begun !== undefined };
}
