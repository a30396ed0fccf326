import stringWidth from 'fast-string-width';
import type { Json } from '../../canonical.ts';
import type { ServiceStatus, Status } from '../../model.ts';
import type { Style } from '../style.ts';
import { wrapped } from './plan-changes.ts';
import { age, COLUMNS, type Column, levelMark, RESTARTS, SINCE, SUPERVISOR, WIDE } from './status-columns.ts';

interface Options {
  readonly style: Style;
  readonly width: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** All columns, however long the lines. */
  readonly wide?: boolean;
  /** Some services alone were asked for: what is said of the host is left out, but for what somebody has to do. */
  readonly chosen?: boolean;
}

const GAP = '  ';
const INDENT = '    ';

/**
 * A table without borders, one line a service, notes beside it where there is room, else below. Where the columns don't
 * fit, commits are shortened, then columns that say the same of all services are told once below, then the least
 * wanted are left out and named.
 */
export function statusText(status: Status, { style, width, now, wide = false, chosen = false }: Options): string {
  const { services } = status;
  const above = status.notes.filter(({ ok }) => !chosen || !ok);
  const head = [
    ...(chosen ? [] : wellLines(status, style, width)),
    ...above.flatMap(({ ok, text }) => wrapped(text, width).map((line) => (ok ? style.dim : style.yellow)(line))),
  ];
  const top = head.length === 0 ? '' : `${head.join('\n')}\n\n`;
  if (services.length === 0) return `${top}No services.\n`;
  const { columns, below } = wide ? { columns: cellsOf(WIDE, services, now), below: [] } : fit(services, width, now);
  const notes = services.map((service) => noteOf(service, now));
  const room = width - lengthOf(columns) - GAP.length;
  const beside = notes.every((note) => widthOf(note) <= room);

  const lines = [columns.map((column) => padded(column, column.title, style.dim)).join(GAP)];
  services.forEach((service, i) => {
    const note = notes[i] ?? '';
    const line = columns
      .map((column) => padded(column, column.cells[i] ?? '', column.mark?.(service, style) ?? AS_IT_IS))
      .join(GAP);
    lines.push(beside && note !== '' ? `${line}${GAP}${note}` : line);
    if (!beside && note !== '') for (const part of wrapped(note, width - INDENT.length)) lines.push(INDENT + part);
  });
  const foot = below.flatMap((text) => wrapped(text, width)).map((line) => style.dim(line));
  return `${top}${[...lines, ...(foot.length > 0 ? ['', ...foot] : [])].map((line) => line.trimEnd()).join('\n')}\n`;
}

/** The same for programs, as docs/status.schema.json describes. */
export function statusJson({ notes, host, groups, services }: Status): Json {
  return {
    notes: notes.map(({ kind, ok, text }) => ({ kind, ok, text })),
    host: { level: host.level, services: { ...host.services }, worst: [...host.worst] },
    groups: groups.map(({ name, level }) => ({ name, level })),
    services: services.map((service) => ({
      name: service.name,
      group: service.group,
      supervisor: service.supervisor,
      desired: service.desired,
      state: service.state,
      missing: service.missing,
      pid: service.pid,
      since: service.since,
      restarts: service.restarts,
      health: service.health,
      level: service.level,
      waitingFor: service.waitingFor === null ? null : { ...service.waitingFor },
      definition: service.definition,
      revision: service.revision,
      note: service.note,
      ...(service.use === undefined ? {} : { use: service.use === null ? null : { ...service.use } }),
    })),
  };
}

interface Fitted {
  readonly columns: readonly Sized[];
  readonly below: readonly string[];
}

/** A column with its cells, each made and measured once: of a thousand services that is what takes the time. */
type Sized = Column & { readonly cells: readonly string[]; readonly size: number };

function cellsOf(columns: readonly Column[], services: readonly ServiceStatus[], now: number): readonly Sized[] {
  return columns.map((column) =>
    withCells(
      column,
      services.map((service) => column.cell(service, now)),
    ),
  );
}

function withCells(column: Column, cells: readonly string[]): Sized {
  return { ...column, cells, size: cells.reduce((most, cell) => Math.max(most, widthOf(cell)), column.title.length) };
}

function widthOf(text: string): number {
  return PLAIN_TEXT.test(text) ? text.length : stringWidth(text);
}

const PLAIN_TEXT = /^[ -~]*$/;
const AS_IT_IS = (text: string) => text;

function fit(services: readonly ServiceStatus[], width: number, now: number): Fitted {
  const whole = cellsOf(COLUMNS, services, now);
  let columns = whole;
  const below: string[] = [];
  const tooLong = () => lengthOf(columns) > width;
  const without = ({ title }: Column) => {
    columns = columns.filter((column) => column.title !== title);
  };
  if (tooLong()) {
    columns = columns.map((column) => {
      const { short, cells } = column;
      return short === undefined ? column : withCells(column, cells.map(short));
    });
  }
  const shared: string[] = [];
  for (const column of [SUPERVISOR, SINCE]) {
    const values = new Set(whole.find(({ title }) => title === column.title)?.cells);
    if (values.size > 1 || !tooLong()) continue;
    without(column);
    shared.push(`${column.title} ${[...values][0]}`);
  }
  if (shared.length > 0) below.push(`All: ${shared.join(', ')}.`);
  const missing: string[] = [];
  for (const column of [SINCE, SUPERVISOR, RESTARTS]) {
    if (!tooLong() || !columns.some(({ title }) => title === column.title)) continue;
    without(column);
    missing.push(column.title);
  }
  if (missing.length > 0) below.push(`Not shown at this width: ${missing.join(', ')}; --json has all.`);
  return { columns, below };
}

function lengthOf(columns: readonly Sized[]): number {
  return columns.reduce((sum, { size }) => sum + size, GAP.length * (columns.length - 1));
}

function padded({ right, size }: Sized, cell: string, mark: (text: string) => string): string {
  const space = ' '.repeat(Math.max(0, size - widthOf(cell)));
  return right ? space + mark(cell) : mark(cell) + space;
}

/** How many are named of those that are worst. */
const NAMED = 5;

/** Where not all is well, what is worst of it, and how many there are of each level. */
function wellLines({ host: { level, services, worst }, groups }: Status, style: Style, width: number): string[] {
  if (level === null || level === 'HEALTHY') return [];
  const more = worst.length > NAMED ? ` and ${worst.length - NAMED} more` : '';
  const counts = (['DEAD', 'CRITICAL', 'DEGRADED', 'HEALTHY'] as const)
    .filter((one) => services[one] > 0)
    .map((one) => `${services[one]} ${one}`);
  const unwell = groups.filter((group) => group.level !== null && group.level !== 'HEALTHY');
  const of = unwell.map((group) => `${group.name} ${group.level}`).join(', ');
  const lines = [
    `Host ${level}: ${worst.slice(0, NAMED).join(', ')}${more} (${counts.join(', ')})`,
    ...(of === '' ? [] : [`Groups: ${of}`]),
  ];
  return lines.flatMap((line) => wrapped(line, width)).map(levelMark(level, style));
}

/** Why it is so, how long ago that was, and whether its process is of an older definition. On one line, whatever it holds. */
function noteOf(service: ServiceStatus, now: number): string {
  const ago = service.pid === null && service.since !== null ? ` (${age(service, now)} ago)` : '';
  const note = service.note === null ? null : sinceWhen(service.note, service, now);
  if (note === null && ago === '' && service.definition !== 'stale') return '';
  const why = note === null ? ago.trim() : note + ago;
  const stale =
    service.definition === 'stale' ? 'runs an older definition: reconcile --dry-run tells when it is restarted' : '';
  return [why, stale]
    .filter((part) => part !== '')
    .join('; ')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** `waiting for ng6 (since 12:03 UTC, 2h00m ago): …` */
function sinceWhen(note: string, { waitingFor }: ServiceStatus, now: number): string {
  if (waitingFor === null) return note;
  const { name, since } = waitingFor;
  const day = since.slice(0, 10) === new Date(now).toISOString().slice(0, 10) ? '' : `${since.slice(0, 10)} `;
  const when = `(since ${day}${since.slice(11, 16)} UTC, ${age(waitingFor, now)} ago)`;
  return note.replace(`waiting for ${name}`, (head) => `${head} ${when}`);
}
