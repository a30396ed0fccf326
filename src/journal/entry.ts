import type { Json } from '../canonical.ts';

export type Level = 'info' | 'warn' | 'error';

/**
 * One thing that happened, as the journal keeps it. History only: nothing is ever decided by what is read here. No value
 * of it is secret: whoever records has masked it.
 */
export interface Entry {
  /** Grows by one with each: the order in which they were recorded, whatever the clock did. */
  readonly id: number;
  /** ms since the epoch. */
  readonly at: number;
  /** The run it belongs to. */
  readonly run?: string;
  readonly kind: string;
  readonly service?: string;
  /** The desired state in force, as `formatRevision` writes it. */
  readonly revision?: string;
  readonly level: Level;
  /** In one line or a few, for people. */
  readonly text: string;
  /** The rest, for programs; what is too long is left out. */
  readonly data: Json;
}

/** Before it has its place. */
export type NewEntry = Omit<Entry, 'id'>;

/** How long a text and the JSON of the data may be: one event must not push out the history of a month. */
const LONGEST_TEXT = 4000;
const LONGEST_DATA = 16_000;

/** As it is written: its data as text, which is made once. */
export type Written = Omit<Entry, 'data'> & { readonly json: string };

/** With what is too long cut. */
export function written({ data, ...entry }: NewEntry, id: number): Written {
  const { text } = entry;
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  const json = JSON.stringify(data);
  return { ...entry, id, text: short, json: json.length > LONGEST_DATA ? `{"leftOut":${json.length}}` : json };
}

/** An entry as a line of text, and the way back. Arrays, not objects: the names of the columns would be half of it. */
export function lineOf({ id, at, run, kind, service, revision, level, text, json }: Written): string {
  const columns = JSON.stringify([id, at, run ?? null, kind, service ?? null, revision ?? null, level, text]);
  return `${columns.slice(0, -1)},${json}]\n`;
}

/** Undefined for what is no whole entry: the end of a line that was being written when everything stopped. */
export function entryIn(line: string): Entry | undefined {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(row) || row.length !== 9) return undefined;
  const [id, at, run, kind, service, revision, level, text, data] = row as readonly unknown[];
  const isWhole = Number.isSafeInteger(id) && Number.isSafeInteger(at) && [kind, level, text].every(isText);
  return isWhole ? entryOf({ id, at, run, kind, service, revision, level, text, data }) : undefined;
}

/** Of its columns, where null stands for nothing. */
export function entryOf(row: Readonly<Record<string, unknown>>): Entry {
  const { id, at, run, kind, service, revision, level, text, data } = row;
  return {
    id: Number(id),
    at: Number(at),
    ...(isText(run) ? { run } : {}),
    kind: String(kind),
    ...(isText(service) ? { service } : {}),
    ...(isText(revision) ? { revision } : {}),
    level: level === 'warn' || level === 'error' ? level : 'info',
    text: String(text),
    data: (data ?? null) as Json,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** One entry for programs, as docs/history.md describes. */
export function entryJson({ id, at, run, kind, service, revision, level, text, data }: Entry): Json {
  return {
    id,
    at: new Date(at).toISOString(),
    run: run ?? null,
    kind,
    service: service ?? null,
    revision: revision ?? null,
    level,
    text,
    data,
  };
}

/** And the way back. */
export function entryFromJson(json: Readonly<Record<string, unknown>>): Entry {
  return entryOf({ ...json, at: Date.parse(String(json.at)) });
}
