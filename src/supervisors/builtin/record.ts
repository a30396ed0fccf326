import { existsSync, mkdirSync } from 'node:fs';
import * as z from 'zod/mini';
import { readIfThere, writeAtomic } from '../../host/files.ts';
import type { Fields, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { why } from '../../problem.ts';
import type { Account } from '../../restarts/account.ts';
import { type Machine, NEW } from './machine.ts';

/*
 * One record for each service, `services/ID/record.json` in the runtime folder: the one place where the supervisor keeps
 * what it knows of it, written whole at each transition. Anyone may read it, with or without a daemon: together with
 * /proc it tells all. Besides it stand `alive` (the FIFO), `pid` and `exit`, which the shim writes.
 */

const Time = z.number();
const Ref = { pid: z.number(), start: z.number() };
const Exit = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('code'), code: z.number() }),
  z.object({ kind: z.literal('signal'), signal: z.string() }),
  z.object({ kind: z.literal('unknown') }),
]);
const State = z.discriminatedUnion('name', [
  z.object({ name: z.literal('STOPPED') }),
  z.object({ name: z.literal('STARTING'), since: Time, up: z.boolean(), trial: z.boolean() }),
  z.object({ name: z.literal('RUNNING'), since: Time }),
  z.object({ name: z.literal('BACKOFF'), until: Time, exit: Exit }),
  z.object({ name: z.literal('STOPPING'), since: Time, until: Time, killed: z.boolean() }),
  z.object({ name: z.literal('EXITED'), at: Time, exit: Exit }),
  z.object({
    name: z.literal('FATAL'),
    at: Time,
    exit: Exit,
    reason: z.string(),
    missing: z.optional(z.literal(true)),
  }),
  z.object({ name: z.literal('HELD'), until: Time, exit: Exit, reason: z.string() }),
]);
const RecordFile = z.object({
  version: z.literal(1),
  owner: z.string(),
  id: z.string(),
  // What JSON can hold, by where it comes from: to look at each of them takes as long as all the rest.
  definition: z.object({
    hash: z.string(),
    fields: z.custom<Fields>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  }),
  /** The folder of its default logs. */
  logDir: z.string(),
  /** The revision that was last applied to it. */
  revision: z.optional(z.string()),
  /** Of which boot all below speaks. */
  boot: z.string(),
  /** It was started since that boot. */
  started: z.boolean(),
  /** How often it was restarted is counted elsewhere too: this is what a count that was lost begins with. */
  machine: z.object({
    state: State,
    failures: z.number(),
    streak: z.number(),
    recent: z.array(Time),
    restarts: z.number(),
  }),
  /** Its process; `hash` is of the definition it was started from, where that is known. */
  main: z.optional(z.object({ ...Ref, since: Time, hash: z.optional(z.string()) })),
  /** The shim; its pid is the service's session and process group. */
  shim: z.optional(z.object(Ref)),
});

type Parsed = z.infer<typeof RecordFile>;
type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };
export type ServiceRecord = Readonly<Omit<Parsed, 'definition' | 'machine' | 'revision' | 'main' | 'shim'>> & {
  readonly definition: { readonly hash: string; readonly fields: Fields };
  readonly machine: Machine & Pick<Account, 'streak' | 'recent' | 'restarts'>;
} & Optional<Pick<Parsed, 'revision' | 'main' | 'shim'>>;

export const NEW_MACHINE: ServiceRecord['machine'] = { ...NEW, streak: 0, recent: [], restarts: 0 };

export type RecordRead =
  | { readonly kind: 'record'; readonly record: ServiceRecord }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly problem: Problem };

/** The folder of a service's record. */
export function folderOf(services: string, id: ServiceId): string {
  return `${services}/${id}`;
}

/** What was read last, by file: a daemon reads all records at each run, and nearly all are as they were. */
const read = new Map<string, { readonly text: string; readonly record: ServiceRecord }>();

export function readRecord(services: string, id: ServiceId): RecordRead {
  const file = `${folderOf(services, id)}/record.json`;
  try {
    const text = readIfThere(file);
    if (text === undefined) {
      read.delete(file);
      return { kind: 'absent' };
    }
    const before = read.get(file);
    if (before?.text === text) return { kind: 'record', record: before.record };
    const parsed = RecordFile.safeParse(JSON.parse(text));
    if (!parsed.success) return unreadable(file, id, firstIssue(parsed.error));
    const record = parsed.data as ServiceRecord;
    if (record.id !== id) return unreadable(file, id, `it is the record of '${record.id}'`);
    read.set(file, { text, record });
    return { kind: 'record', record };
  } catch (error) {
    return unreadable(file, id, error instanceof SyntaxError ? 'it is damaged' : why(error));
  }
}

export function writeRecord(services: string, record: ServiceRecord): void {
  const folder = folderOf(services, record.id);
  const file = `${folder}/record.json`;
  const text = `${JSON.stringify(record)}\n`;
  // As it was read: of two hundred that a new daemon takes back, none has to be written.
  if (read.get(file)?.text === text && existsSync(file)) return;
  read.delete(file);
  try {
    writeAtomic(file, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Its folder is new, or somebody has removed it under a living service.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeAtomic(file, text);
  }
}

/** The same, and why it could not be, where that is so. */
export function keepRecord(services: string, record: ServiceRecord): Problem | undefined {
  try {
    writeRecord(services, record);
    return undefined;
  } catch (error) {
    const summary = `cannot write the record of ${record.id}: ${why(error)}`;
    return { code: 'record-not-written', summary, file: folderOf(services, record.id) };
  }
}

function firstIssue(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  if (issue?.path[0] === 'version') return 'it is of another version of reconciled';
  return `it is damaged at '${issue?.path.join('.') ?? ''}'`;
}

function unreadable(file: string, id: ServiceId, because: string): RecordRead {
  const hint = `move it away; if ${id} is running, it is then taken back as it is`;
  const summary = `cannot read the record of ${id}: ${because}`;
  return { kind: 'unreadable', problem: { code: 'record-unreadable', summary, file, hint } };
}
