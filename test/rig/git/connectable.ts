import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from '../host.ts';

/** Resolves when somebody listens on a port of this host. */
export async function connectable(port: number): Promise<void> {
  await until(async () => {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  });
}
