import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { createPorts, nameOfSocket, parseInet, parseUnix } from '../../../src/graph/ports.ts';
import { takeProcesses } from '../../../src/graph/processes.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

it('reads who listens, and leaves out connections', () => {
  const text = HEAD + line('0100007F:1F4A', '0A', 7) + line('0100007F:1F4A', '01', 8) + line('00000000:0016', '0A', 9);
  expect(parseInet('tcp', text)).toEqual([
    ['7', { kind: 'tcp', address: '127.0.0.1', port: 8010 }],
    ['9', { kind: 'tcp', address: '0.0.0.0', port: 22 }],
  ]);
  expect(parseInet('udp', HEAD + line('00000000:0035', '07', 3))).toHaveLength(1);
});

it.each([
  ['00000000000000000000000000000000', '[::]'],
  ['00000000000000000000000001000000', '[::1]'],
  ['B80D0120000000000000000001000000', '[2001:db8::1]'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
  ['000080FE00000000FF005450B6AD1DFE', '[fe80::5054:ff:fe1d:adb6]'],
])('reads the address %s', (hex, address) => {
  expect(parseInet('tcp', HEAD + line(`${hex}:0050`, '0A', 1))[0]?.[1]).toEqual({ kind: 'tcp', address, port: 80 });
});

it('reads UNIX sockets that take connections', () => {
  const text = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/x y.sock
0000000000000000: 00000003 00000000 00000000 0001 03 12346 /run/other.sock
0000000000000000: 00000002 00000000 00010000 0001 01 12347 @name
0000000000000000: 00000002 00000000 00010000 0001 01 12348
`;
  expect(parseUnix(text)).toEqual([
    ['12345', { kind: 'unix', path: '/run/x y.sock' }],
    ['12347', { kind: 'unix', path: '@name' }],
  ]);
});

it('finds what a living process listens on, and who holds a port', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ports = createPorts(takeProcesses());
  expect(ports.of(process.pid)?.map(nameOfSocket)).toContain(`tcp 127.0.0.1:${port}`);
  expect(ports.holders(port)).toEqual({ port, pids: [process.pid], unseen: [] });
  server.close();
  await once(server, 'close');
  expect(createPorts(takeProcesses()).holders(port)).toEqual({ port, pids: [], unseen: [] });
});
