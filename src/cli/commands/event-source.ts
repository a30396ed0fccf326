import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config.ts';
import { askEvents } from '../../daemon/ask-events.ts';
import { CONTROL, STATUS } from '../../daemon/sockets.ts';
import { readHolder } from '../../host/lock.ts';
import type { Entry } from '../../journal/entry.ts';
import { chooser, type EventsWanted, readEvents } from '../../journal/events.ts';
import { newestId } from '../../journal/follow.ts';
import { databaseFile, tailFile } from '../../journal/journal.ts';
import { Failure, type Problem, why } from '../../problem.ts';

/** Where the daemon of a host keeps its sockets. */
const SYSTEM = '/run/reconciled';
/** How often (ms) a daemon is looked for where nothing tells that one has begun. */
const LOOK = 1000;

/** What comes of following: entries, or how it stands with whoever makes them. */
export type Told =
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] }
  /** From here on it is told by this daemon, of another runtime folder than one's own. */
  | { readonly kind: 'other-daemon'; readonly folder: string }
  /** Nothing new comes until one begins; `ended`: there was one until now. */
  | { readonly kind: 'no-daemon'; readonly ended: boolean }
  | { readonly kind: 'no-journal' }
  | { readonly kind: 'problem'; readonly problem: Problem };

/**
 * What happened, and where followed what happens:
 *
 *        ┌──────── it ends ────────┐
 *        │                         v
 *    a daemon tells            the journal is read
 *        ^                         │
 *        └──── "ready" comes ──────┘
 *
 * By the daemon's socket, that others may ask too, and that tells by its end that the daemon has ended; without one from
 * the journal, in which the next daemon says that it has begun.
 */
export async function* tellEvents(
  config: Config,
  wanted: EventsWanted & { readonly follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<Told, void> {
  const { follow, services = [] } = wanted;
  // They would be too much for the head of a request.
  const isMany = services.length > 100;
  let after: number | undefined;
  let had = false;
  let first = true;
  let isTold = false;
  /** It was told by a daemon that has its journal elsewhere. */
  let isOthers = false;
  const seen = (entries: readonly Entry[]): Told => {
    after = entries.at(-1)?.id ?? after;
    return { kind: 'entries', entries };
  };
  const rest = (limit: number) => (after === undefined ? wanted : { ...wanted, after, limit });
  while (!signal.aborted) {
    // Whoever is ready after this and does not answer has ended again.
    const known = follow && isReadable(config.stateDir) ? newestId(config.stateDir) : 0;
    const asked = { ...rest(MANY), ...(isMany ? { services: [] } : {}) };
    const daemon = isMany && isReadable(config.stateDir) ? undefined : await answering(config, asked, signal);
    if (daemon !== undefined) {
      isOthers = daemon.folder !== config.runtimeDir;
      if (first && isOthers) yield { kind: 'other-daemon', folder: daemon.folder };
      const choose = isMany ? chooser(services) : (entries: readonly Entry[]) => entries;
      for await (const entries of daemon.events) yield seen(choose(entries));
      if (!follow || signal.aborted) return;
      [had, first, isTold] = [true, false, false];
    }
    const unreadable = whyUnreadable(config.stateDir);
    if (unreadable !== undefined && first) throw new Failure(unreadable);
    // Whoever can't read its journal asks again.
    const events = unreadable === undefined && !isOthers ? readEvents(config.stateDir, rest(0)) : undefined;
    if (first && events !== undefined) {
      if (events.past === undefined) yield { kind: 'no-journal' };
      if (events.past?.problem !== undefined) yield { kind: 'problem', problem: events.past.problem };
      yield seen(events.past?.entries ?? []);
    }
    if (!follow) return;
    if (!isTold && (had || !daemonRuns(config))) {
      yield { kind: 'no-daemon', ended: had || !first };
      isTold = true;
    }
    [had, first] = [false, false];
    if (events === undefined) await sleep(LOOK, undefined, { signal }).catch(() => undefined);
    else
      for await (const entries of events.next(signal)) {
        yield seen(events.choose(entries));
        // Also where it was of nobody who is asked for.
        after = entries.at(-1)?.id ?? after;
        const news = entries.filter(({ kind, id }) => id > known && (kind === 'ready' || kind === 'ended')).at(-1);
        if (news?.kind === 'ended' && !isTold) yield { kind: 'no-daemon', ended: true };
        if (news !== undefined) isTold = news.kind === 'ended';
        if (news?.kind === 'ready') break;
      }
  }
}

/** More than comes between two daemons. */
const MANY = 10_000;

interface Answering {
  readonly folder: string;
  readonly events: AsyncIterable<readonly Entry[]>;
}

/** By the socket that may be asked; where one has no services of one's own, of the host's daemon. */
async function answering(
  { runtimeDir, desiredState }: Config,
  wanted: EventsWanted & { readonly follow: boolean },
  signal: AbortSignal,
): Promise<Answering | undefined> {
  const others = existsSync(desiredState) || runtimeDir === SYSTEM ? [] : [join(SYSTEM, STATUS)];
  for (const socket of [join(runtimeDir, CONTROL), join(runtimeDir, STATUS), ...others]) {
    const events = await askEvents(socket, wanted, signal);
    if (events !== undefined) return { folder: socket.startsWith(`${runtimeDir}/`) ? runtimeDir : SYSTEM, events };
  }
  return undefined;
}

function daemonRuns({ runtimeDir }: Config): boolean {
  const holder = readHolder(join(runtimeDir, 'lock'));
  return holder?.role === 'daemon' && existsSync(`/proc/${holder.pid}`);
}

function isReadable(stateDir: string): boolean {
  return whyUnreadable(stateDir) === undefined;
}

function whyUnreadable(stateDir: string): Problem | undefined {
  for (const path of [stateDir, tailFile(stateDir), databaseFile(stateDir)])
    try {
      accessSync(path, path === stateDir ? constants.R_OK | constants.X_OK : constants.R_OK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      return {
        code: 'journal-unreadable',
        summary: `cannot read the journal in ${stateDir}: ${why(error)}`,
        hint: 'ask as whoever runs the daemon, such as root; a daemon with readGroup tells its group too',
      };
    }
  return undefined;
}
