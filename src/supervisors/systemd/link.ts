import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, type Problem, why } from '../../problem.ts';
import { type Bus, type Call, DBUS, DBUS_PATH, openBus, type Signal } from '../shared/bus.ts';
import { busSocket, type Scope } from '../shared/bus-address.ts';
import { BusError, busProblem, isAnswered, isGone } from '../shared/bus-error.ts';
import { MANAGER, MANAGER_PATH, newOwner, RULES, SYSTEMD } from './signals.ts';

export interface LinkListener {
  /** systemd itself says something. */
  readonly signal: (signal: Signal) => void;
  /** From now on nothing is heard, until `up`. */
  readonly down: (problem: Problem) => void;
  /** All is as before, but for what was missed. */
  readonly up: () => void;
}

export interface LinkCall extends Omit<Call, 'destination'> {
  /** It changes nothing: where the link goes down before the answer, it is asked once more. */
  readonly reads?: boolean;
}

export interface Link {
  /**
   * Asks systemd. While the link is down it waits a little for it to come back. Throws a Failure "cannot ACT: why"; what
   * was to change something when the link went down fails at once, and may be done or not.
   */
  call(act: string, call: LinkCall): Promise<readonly unknown[]>;
  close(): void;
}

/** How long (ms) a link that is down is waited for. */
const PATIENCE = 5000;
/** How long (ms) until the bus is dialled again: at first, and at most. */
const REDIAL = 50;
const REDIAL_MAX = 5000;
/** For a bus that takes the connection but does not speak (ms). */
const HELLO_LIMIT = 10_000;

const CLOSED = new BusError({ kind: 'closed' });
const GONE = new BusError({ kind: 'answered', name: 'org.freedesktop.DBus.Error.NameHasNoOwner', message: '' });

/** Throws a Failure where there is no bus, no systemd on it, or we may not. */
export async function openLink(scope: Scope, on: LinkListener, signal?: AbortSignal): Promise<Link> {
  const socket = busSocket(scope);
  if (typeof socket !== 'string') throw new Failure(socket);
  const link = new ScopeLink(socket, on);
  try {
    await link.open(signal);
  } catch (error) {
    throw new Failure(unreached(scope, socket, error, signal));
  }
  return link;
}

/**
 * Keeps a connection to systemd over a bus that may restart, as systemd may too.
 *
 *   dial ──> up ──(the bus closes, or systemd leaves it)──────────> down ──> dial …
 *             └───(systemd re-executes: its name has a new owner)──> down ──> subscribes again ──> up
 */
class ScopeLink implements Link {
  readonly #socket: string;
  readonly #on: LinkListener;
  readonly #waiting = new Set<() => void>();
  readonly #closing = new AbortController();
  /** While up. */
  #bus: Bus | undefined;
  /** Why it is down. */
  #cause = CLOSED;
  /** The unique name of systemd: no one else is believed. */
  #systemd = '';

  constructor(socket: string, on: LinkListener) {
    this.#socket = socket;
    this.#on = on;
  }

  /** A user's bus is started by being dialled, and his systemd joins it a moment later. */
  async open(signal?: AbortSignal): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      try {
        this.#bus = await this.#dial(signal);
        return;
      } catch (error) {
        if (signal?.aborted || !isGone(error) || !isBooted() || performance.now() > end) throw error;
      }
      await sleep(REDIAL, undefined, { signal });
    }
  }

  async call(act: string, { reads = false, ...rest }: LinkCall): Promise<readonly unknown[]> {
    const call = { ...rest, destination: SYSTEMD };
    try {
      const bus = await this.#usable();
      return await bus.call(call).catch(async (error: unknown) => {
        if (!reads || !isGone(error)) throw error;
        return (await this.#usable()).call(call);
      });
    } catch (error) {
      throw new Failure(busProblem(act, error));
    }
  }

  close(): void {
    this.#closing.abort();
    this.#bus?.close();
    this.#bus = undefined;
    this.#cause = new BusError({ kind: 'closed', message: 'we left it' });
    this.#wake();
  }

  async #dial(signal: AbortSignal | undefined): Promise<Bus> {
    const bus: Bus = await openBus(this.#socket, {
      signal: (heard) => this.#heard(bus, heard),
      closed: () => this.#lost(bus, CLOSED),
    });
    const abort = () => bus.close();
    signal?.addEventListener('abort', abort);
    try {
      if (signal?.aborted) abort();
      await Promise.all([bus.call(HELLO), this.#subscribe(bus)]);
    } catch (error) {
      bus.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return bus;
  }

  /** All in one go: it is answered in order. */
  async #subscribe(bus: Bus): Promise<void> {
    const [owner] = await Promise.all([
      askBus(bus, 'GetNameOwner', SYSTEMD),
      bus
        .call({ destination: SYSTEMD, path: MANAGER_PATH, interface: MANAGER, member: 'Subscribe' })
        .catch((error: unknown) => {
          if (!isAnswered(error, 'org.freedesktop.systemd1.AlreadySubscribed')) throw error;
        }),
      ...RULES.map((rule) => askBus(bus, 'AddMatch', rule)),
    ]);
    this.#systemd = String(owner[0]);
  }

  #heard(bus: Bus, signal: Signal): void {
    const owner = newOwner(signal);
    if (owner === undefined) {
      if (signal.sender === this.#systemd) this.#on.signal(signal);
    } else if (bus === this.#bus) {
      if (owner === '') this.#lost(bus, GONE);
      else void this.#reexecuted(bus, owner);
    }
  }

  /** Its subscribers survive that, they say; we need not trust it. */
  async #reexecuted(bus: Bus, owner: string): Promise<void> {
    this.#down(GONE);
    this.#systemd = owner;
    try {
      await this.#subscribe(bus);
    } catch {
      return this.#redial(bus);
    }
    this.#up(bus);
  }

  #lost(bus: Bus, cause: BusError): void {
    if (bus !== this.#bus) return;
    this.#down(cause);
    void this.#redial(bus);
  }

  #down(cause: BusError): void {
    this.#bus = undefined;
    this.#systemd = '';
    this.#cause = cause;
    this.#on.down(busProblem('hear from systemd', cause));
  }

  #up(bus: Bus): void {
    if (this.#closing.signal.aborted) {
      bus.close();
      return;
    }
    this.#bus = bus;
    this.#wake();
    this.#on.up();
  }

  async #redial(old: Bus): Promise<void> {
    old.close();
    const { signal } = this.#closing;
    for (let wait = REDIAL; !signal.aborted; wait = Math.min(wait * 2, REDIAL_MAX)) {
      try {
        await sleep(wait, undefined, { ref: false, signal });
        return this.#up(await this.#dial(signal));
      } catch {
        // Not yet, or no more.
      }
    }
  }

  async #usable(): Promise<Bus> {
    if (this.#bus === undefined && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, PATIENCE);
        this.#waiting.add(done);
      });
    }
    if (this.#bus === undefined) throw this.#cause;
    return this.#bus;
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

const TO_BUS = { destination: DBUS, path: DBUS_PATH, interface: DBUS };
const HELLO: Call = { ...TO_BUS, member: 'Hello', limit: HELLO_LIMIT };

function askBus(bus: Bus, member: string, text: string): Promise<readonly unknown[]> {
  return bus.call({ ...TO_BUS, member, signature: 's', body: [text] });
}

/** Is this host run by systemd? What sd_booted(3) asks. */
function isBooted(): boolean {
  return existsSync('/run/systemd/system');
}

/** Why there is no link. */
function unreached(scope: Scope, socket: string, error: unknown, signal: AbortSignal | undefined): Problem {
  const refuse = (code: string, because: string, hint?: string): Problem => ({
    code,
    summary: `cannot reach systemd: ${because}`,
    ...(hint === undefined ? {} : { hint }),
  });
  if (signal?.aborted) return refuse('interrupted', 'interrupted');
  const noBus = ['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '');
  const noOwner = isAnswered(error, 'org.freedesktop.DBus.Error.NameHasNoOwner');
  // The bus is asked first: it may be another host's, lent to us.
  if ((noBus || noOwner) && !isBooted()) {
    return refuse(
      'no-systemd',
      'this host is not run by systemd',
      'take another supervisor, such as `builtin`; for a supervisord of ours: `boot: none`',
    );
  }
  if (noBus) {
    const hint =
      scope === 'system'
        ? 'install and start D-Bus (`apt-get install dbus`, `systemctl start dbus.socket`)'
        : 'log in as that user, or let its services run without (`loginctl enable-linger USER`), and install dbus-user-session';
    return refuse('no-bus', `there is no bus at ${socket} (${why(error)})`, hint);
  }
  if (noOwner && scope === 'user') {
    return refuse('no-systemd', 'no systemd runs for this user', '`loginctl enable-linger USER` starts one');
  }
  return busProblem('reach systemd', error);
}
