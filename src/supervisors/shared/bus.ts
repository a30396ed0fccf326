import { connect, type Socket } from 'node:net';
import type { DBusError, Message, MessageBus } from 'dbus-native';
import { BusError } from './bus-error.ts';
import { Turns } from './turns.ts';

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** D-Bus types of the body. */
  readonly signature?: string;
  readonly body?: readonly unknown[];
  /** ms until it fails, the time it waits for its turn counted in. */
  readonly limit?: number;
}

export interface Signal {
  /** The unique name that the bus wrote: anybody may send us a signal, whatever we listen to. */
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface BusListener {
  readonly signal: (signal: Signal) => void;
  /** The connection is gone, and not by `close`: all calls have failed. */
  readonly closed: () => void;
}

/** One connection to a bus. It does not come back once it is gone. */
export interface Bus {
  /** The answer's values. Throws a BusError: an error that was answered, no answer in time, or the connection is gone. */
  call(call: Call): Promise<readonly unknown[]>;
  close(): void;
}

export const DBUS = 'org.freedesktop.DBus';
export const DBUS_PATH = '/org/freedesktop/DBus';
/** What libdbus and sd-bus wait for an answer too. */
const LIMIT = 25_000;
/** dbus-daemon refuses more than 128 unanswered calls of one connection. */
const IN_FLIGHT = 64;
/** Starts nothing that could own the name: systemd is there or it is not. */
const NO_AUTO_START = 0x2;
const SIGNAL = 4;

/** Connects; the first call must be Hello. Throws what the system call says. */
export async function openBus(path: string, on: BusListener): Promise<Bus> {
  // Bundled, a CommonJS module has its default export alone.
  const [{ default: dbus }, socket] = await Promise.all([import('dbus-native'), dial(path)]);
  // `direct`: the library's own Hello throws into nowhere where it fails. To dial again is ours too (see link.ts): where
  // the bus takes the connection and then does not speak, the library would wait for ever.
  const client = dbus.createClient({ stream: socket, direct: true, authMethods: ['EXTERNAL'], returnBigInt: false });
  const turns = new Turns(IN_FLIGHT);
  let open = true;
  let trouble: string | undefined;
  client.connection.on('error', (error) => {
    trouble = error.message;
    socket.destroy();
  });
  // The library fails all calls at the first sign of the end. Who then asks again must know that by this bus it can't.
  const end = () => {
    if (open) on.closed();
    open = false;
    socket.destroy();
  };
  client.connection.on('end', end);
  client.connection.on('close', end);
  client.connection.on('message', (message) => {
    if (open && message.type === SIGNAL) on.signal(signalOf(message));
  });
  return {
    call: async (call) => {
      const { limit = LIMIT } = call;
      const late = () => new BusError({ kind: 'timeout', limit });
      try {
        return await turns.take(limit, late, (left) => invoke(client, call, left));
      } catch (error) {
        throw asBusError(error as Error, limit, trouble);
      }
    },
    close: () => {
      open = false;
      socket.destroy();
    },
  };
}

function dial(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

function invoke(client: MessageBus, call: Call, timeout: number): Promise<readonly unknown[]> {
  const { limit: _, body, ...message } = call;
  return new Promise((resolve, reject) => {
    const send: Message = { ...message, flags: NO_AUTO_START, ...(body === undefined ? {} : { body: [...body] }) };
    client.invoke(send, { timeout }, (error, ...values: unknown[]) => (error ? reject(error) : resolve(values)));
  });
}

/** What the library throws, in our words; what it could not even send stays as it is. */
function asBusError(error: Error & Partial<DBusError> & { code?: string }, limit: number, trouble?: string): Error {
  if (error instanceof BusError || error.dbusName === undefined) return error;
  if (error.code === 'ETIMEDOUT') return new BusError({ kind: 'timeout', limit });
  if (error.code === 'ECONNCLOSED') return new BusError({ kind: 'closed', message: trouble });
  return new BusError({ kind: 'answered', name: error.dbusName, message: error.message });
}

function signalOf({ sender = '', path = '', interface: face = '', member = '', body = [] }: Message): Signal {
  return { sender, path, interface: face, member, body };
}
