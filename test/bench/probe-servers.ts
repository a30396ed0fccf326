/** As many TCP and HTTP servers as it is told, each for one probe: notes when that comes. */
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import type { Noted } from './probes.ts';

const PERIOD = 1000;
const count = Number(process.argv[2]);
const noted = new Map<number, number[]>();
let connections = 0;
let on = false;

function note(port: number): void {
  if (on) noted.get(port)?.push(performance.now());
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  noted.set(port, []);
  return port;
}

const tcp: number[] = [];
const http: number[] = [];
for (let i = 0; i < count; i += 1) {
  const one = createTcp((socket) => {
    note(tcp[i] ?? 0);
    socket.on('error', () => {}).resume();
  });
  tcp.push(await listen(one));
  const other = createHttp((_, response) => {
    note(http[i] ?? 0);
    response.setHeader('content-type', 'application/json');
    response.end('{"status":"ok"}');
  });
  other.keepAliveTimeout = 60_000;
  other.on('connection', () => {
    connections += 1;
  });
  http.push(await listen(other));
}

/** How each try differs from the nearest time that a period without any fault would have given. */
function result(): Noted {
  const late: number[] = [];
  let [tries, missed, drift] = [0, 0, 0];
  for (const times of noted.values()) {
    const [first = 0] = times;
    const at = times.map((time) => Math.round((time - first) / PERIOD));
    const off = times.map((time, i) => time - first - (at[i] ?? 0) * PERIOD);
    const least = off.reduce((one, other) => Math.min(one, other), 0);
    late.push(...off.map((value) => value - least));
    tries += times.length;
    const last = at.at(-1) ?? 0;
    missed += last + 1 - times.length;
    if (last > 0) drift = Math.max(drift, Math.abs(off.at(-1) ?? 0) / last);
  }
  late.sort((a, b) => a - b);
  const quantile = (q: number) => late[Math.min(late.length - 1, Math.floor(q * late.length))] ?? Number.NaN;
  const [p50, p99, worst] = [quantile(0.5), quantile(0.99), quantile(1)];
  return { probes: noted.size, tries, missed, drift, p50, p99, worst, connections };
}

process.on('message', (word) => {
  on = word === 'begin';
  if (!on) process.send?.(result());
});
process.send?.({ tcp, http });
