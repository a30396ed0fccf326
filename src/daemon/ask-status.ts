import type { Status } from '../model.ts';
import { exchange } from './exchange.ts';

/** ms. It looks at all services, on a host that may be busy. */
const PATIENCE = { hearing: 60_000, whole: 60_000 };

/** How all is, as the daemon tells that listens there; undefined where it has ended, is not up yet, or is not ours to ask. */
export async function askStatus(path: string): Promise<Status | undefined> {
  const told = (await exchange(path, 'GET', '/v1/status', PATIENCE)) as Partial<Status> | undefined;
  return Array.isArray(told?.services) ? (told as Status) : undefined;
}
