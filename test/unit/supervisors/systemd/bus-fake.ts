import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker, createConnection, type DBusBroker, type DBusConnection, type Message } from 'dbus-native';

const NAME = 'org.freedesktop.systemd1';
const PATH = '/org/freedesktop/systemd1';
const CALL = 1;
const RETURN = 2;
const ERROR = 3;
const SIGNAL = 4;

/** What a systemd of ours answers to a call: values, an error, or nothing at all. */
export type Answer =
  | { readonly signature?: string; readonly body?: readonly unknown[] }
  | { readonly error: string; readonly message: string }
  | 'silence';

/** The properties of any unit, as systemd has them for one that is not in use. */
export const UNIT = {
  Id: ['s', 'web.service'],
  Names: ['as', ['web.service']],
  LoadState: ['s', 'loaded'],
  LoadError: ['(ss)', ['', '']],
  ActiveState: ['s', 'inactive'],
  SubState: ['s', 'dead'],
  UnitFileState: ['s', 'disabled'],
  FragmentPath: ['s', '/etc/systemd/system/web.service'],
  SourcePath: ['s', ''],
  DropInPaths: ['as', []],
  NeedDaemonReload: ['b', false],
  Transient: ['b', false],
  ConditionResult: ['b', false],
  ConditionTimestamp: ['t', 0],
  Job: ['(uo)', [0, '/']],
  StateChangeTimestamp: ['t', 0],
  ActiveEnterTimestamp: ['t', 0],
  ActiveExitTimestamp: ['t', 0],
  InactiveEnterTimestamp: ['t', 0],
  InactiveExitTimestamp: ['t', 0],
  Requires: ['as', []],
  Requisite: ['as', []],
  BindsTo: ['as', []],
  PartOf: ['as', []],
} as const;

/** A bus with a systemd on it that does what a test says. */
export class FakeBus implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'reconciled-bus-'));
  readonly socket = join(this.#folder, 'socket');
  /** What was asked of systemd, by method; of properties by their name. */
  readonly asked: string[] = [];
  /** By method, or property. */
  readonly answers: Record<string, (call: Message) => Answer> = {
    Subscribe: () => ({}),
    Version: () => ({ signature: 'v', body: [['s', '252.39-1~deb12u2']] }),
    SystemState: () => ({ signature: 'v', body: [['s', 'running']] }),
  };
  #broker: DBusBroker | undefined;
  #systemd: Peer | undefined;

  /** Starts the bus, and systemd on it. */
  async start(): Promise<void> {
    const broker = createBroker();
    this.#broker = broker;
    await new Promise<void>((resolve) => broker.listen({ socket: this.socket }, () => resolve()));
    await this.enter();
  }

  /** systemd comes, or comes again under another unique name, as after a daemon-reexec. */
  async enter(): Promise<void> {
    const old = this.#systemd;
    this.#systemd = new Peer(this.socket, (call) => this.#answer(call));
    await this.#systemd.enter(NAME);
    old?.close();
  }

  leave(): void {
    this.#systemd?.close();
    this.#systemd = undefined;
  }

  async stop(): Promise<void> {
    this.leave();
    await new Promise<void>((resolve) => (this.#broker ? this.#broker.close(() => resolve()) : resolve()));
    this.#broker = undefined;
  }

  /** systemd tells everyone. */
  tell(member: string, signature: string, body: readonly unknown[], path = PATH, face = `${NAME}.Manager`): void {
    this.#systemd?.send({ type: SIGNAL, path, interface: face, member, signature, body: [...body] });
  }

  jobEnded(id: number, unit: string, result: string): void {
    this.tell('JobRemoved', 'uoss', [id, jobPath(id), unit, result]);
  }

  unitChanged(label: string, changed: Readonly<Record<string, readonly [string, unknown]>>): void {
    const body = [`${NAME}.Unit`, Object.entries(changed), []];
    this.tell('PropertiesChanged', 'sa{sv}as', body, `${PATH}/unit/${label}`, 'org.freedesktop.DBus.Properties');
  }

  count(what: string): number {
    return this.asked.filter((one) => one === what).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answer(call: Message): Answer {
    const what = call.member === 'Get' ? String(call.body?.[1]) : (call.member ?? '');
    this.asked.push(what);
    return this.answers[what]?.(call) ?? { error: 'org.freedesktop.DBus.Error.UnknownMethod', message: what };
  }
}

export function jobPath(id: number): string {
  return `${PATH}/job/${id}`;
}

/** One connection to the bus. */
export class Peer {
  readonly #connection: DBusConnection;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #serial = 0;

  constructor(socket: string, answer: (call: Message) => Answer = () => 'silence') {
    this.#connection = createConnection({ socket, authMethods: ['EXTERNAL'] });
    this.#connection.on('error', () => {});
    this.#connection.on('message', (message) => {
      if (message.replySerial !== undefined) this.#waiting.get(message.replySerial)?.(message);
      if (message.type !== CALL) return;
      const said = answer(message);
      if (said === 'silence') return;
      const to = { destination: message.sender ?? '', replySerial: message.serial ?? 0 };
      if ('error' in said) {
        this.send({ ...to, type: ERROR, errorName: said.error, signature: 's', body: [said.message] });
      } else {
        const { signature, body } = said;
        this.send({ ...to, type: RETURN, ...(signature && body ? { signature, body: [...body] } : {}) });
      }
    });
  }

  /** Says hello, and takes a name from whoever has it. */
  async enter(name?: string): Promise<void> {
    await this.#ask({ member: 'Hello' });
    const takeAndYield = 3;
    if (name !== undefined) await this.#ask({ member: 'RequestName', signature: 'su', body: [name, takeAndYield] });
  }

  send(message: Message): number {
    const serial = ++this.#serial;
    this.#connection.message({ ...message, serial });
    return serial;
  }

  close(): void {
    this.#connection.stream.destroy();
  }

  /** Asks the bus itself. */
  #ask(message: Message): Promise<Message> {
    const face = 'org.freedesktop.DBus';
    const to = { type: CALL, destination: face, path: '/org/freedesktop/DBus', interface: face };
    return new Promise((resolve) => this.#waiting.set(this.send({ ...to, ...message }), resolve));
  }
}
