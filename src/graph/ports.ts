import { readdirSync } from 'node:fs';
import { linkOf, readWhole } from '../host/procfs.ts';
import type { Processes } from './processes.ts';

/** A socket that somebody listens on, or for UDP is bound to. */
export type Socket =
  | { readonly kind: 'tcp' | 'udp'; readonly address: string; readonly port: number }
  /** `@name` where it is no file. */
  | { readonly kind: 'unix'; readonly path: string };

/** Who listens on a port. */
export interface PortHolders {
  readonly port: number;
  readonly pids: readonly number[];
  /** Sockets of that port whose process could not be found: it is another user's, and only root may look. */
  readonly unseen: readonly Socket[];
}

/** Sockets of this host, read when they are asked for; one of these is good for one look. */
export interface Ports {
  /** Undefined where we may not look. */
  of(pid: number): readonly Socket[] | undefined;
  /** Of the network that we are in, and as root of all that a process is in. */
  holders(port: number): PortHolders;
}

type ByInode = ReadonlyMap<string, Socket>;

export function createPorts(processes: Processes): Ports {
  /** By the name of the network; what we may not look at is taken for our own. */
  const networks = new Map<string, ByInode>();
  const own = linkOf('self', 'ns/net') ?? '';
  const networkOf = (pid: number): string => linkOf(pid, 'ns/net') ?? own;
  const socketsIn = (network: string, pid: number | 'self'): ByInode => {
    const known = networks.get(network);
    if (known !== undefined) return known;
    const read = readSockets(pid);
    networks.set(network, read);
    return read;
  };
  const of = (pid: number): readonly Socket[] | undefined => {
    const inodes = inodesOf(pid);
    if (inodes === undefined) return undefined;
    const network = networkOf(pid);
    const sockets = socketsIn(network, network === own ? 'self' : pid);
    return [...inodes].flatMap((inode) => sockets.get(inode) ?? []);
  };
  return {
    of,
    holders(port) {
      const is = (socket: Socket) => socket.kind !== 'unix' && socket.port === port;
      const wanted = new Map([...socketsIn(own, 'self')].filter(([, socket]) => is(socket)));
      const unseen = new Set(wanted.keys());
      const pids = [...processes].flatMap(({ pid }) => {
        const network = networkOf(pid);
        const sockets = network === own ? wanted : socketsIn(network, pid);
        if (sockets.size === 0) return [];
        const held = [...(inodesOf(pid) ?? [])].filter((inode) => {
          const socket = sockets.get(inode);
          return socket !== undefined && is(socket);
        });
        for (const inode of held) unseen.delete(inode);
        return held.length > 0 ? [pid] : [];
      });
      return { port, pids, unseen: [...unseen].flatMap((inode) => wanted.get(inode) ?? []) };
    },
  };
}

/** The sockets that a process holds, by the numbers the kernel has for them. */
function inodesOf(pid: number): ReadonlySet<string> | undefined {
  let names: readonly string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return undefined;
  }
  return new Set(names.flatMap((name) => /^socket:\[(\d+)\]$/.exec(linkOf(pid, `fd/${name}`) ?? '')?.[1] ?? []));
}

function readSockets(pid: number | 'self'): ByInode {
  const found = new Map<string, Socket>();
  for (const [kind, table] of [
    ['tcp', 'tcp'],
    ['tcp', 'tcp6'],
    ['udp', 'udp'],
    ['udp', 'udp6'],
  ] as const) {
    for (const [inode, socket] of parseInet(kind, readWhole(`/proc/${pid}/net/${table}`, true) ?? ''))
      found.set(inode, socket);
  }
  for (const [inode, socket] of parseUnix(readWhole(`/proc/${pid}/net/unix`, true) ?? '')) found.set(inode, socket);
  return found;
}

const LISTENS = '0A';
/** An UDP socket that sends to nobody in particular: it waits for whoever comes. */
const BOUND = '07';

/** Lines of /proc/net/{tcp,udp}{,6} that somebody waits on for others. */
export function parseInet(kind: 'tcp' | 'udp', text: string): (readonly [inode: string, socket: Socket])[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode = '0'] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state !== (kind === 'tcp' ? LISTENS : BOUND) || inode === '0') return [];
      return [[inode, { kind, address: addressOf(address), port: Number.parseInt(port, 16) }] as const];
    });
}

/** Four bytes each in the order of this machine, which on all that we run on is the last one first. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  if (bytes.length === 4) return bytes.join('.');
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)).toString(16));
  const mapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff';
  if (mapped) return bytes.slice(12).join('.');
  return `[${shortened(groups)}]`;
}

/** The longest row of zeros as `::` (RFC 5952). */
function shortened(groups: readonly string[]): string {
  const text = groups.join(':');
  const rows = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const [row] = rows;
  if (row === undefined) return text;
  const after = text.slice(row.index + row[0].length).replace(/^:/, '');
  return `${text.slice(0, row.index)}::${after}`;
}

/** Of /proc/net/unix: those that take connections (__SO_ACCEPTCON). */
const ACCEPTS = 0x10000;

export function parseUnix(text: string): (readonly [inode: string, socket: Socket])[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, flags, inode, path] = /^\S+ \S+ \S+ (\S+) \S+ \S+\s+(\d+) (.+)$/.exec(line) ?? [];
      if (inode === undefined || path === undefined || (Number.parseInt(flags ?? '', 16) & ACCEPTS) === 0) return [];
      return [[inode, { kind: 'unix', path }] as const];
    });
}

/** `tcp 127.0.0.1:8010`, `/run/x.sock`. */
export function nameOfSocket(socket: Socket): string {
  return socket.kind === 'unix' ? socket.path : `${socket.kind} ${socket.address}:${socket.port}`;
}
