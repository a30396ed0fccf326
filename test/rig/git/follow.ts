import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askStatus } from '../../../src/daemon/ask-status.ts';
import type { Status } from '../../../src/model.ts';
import { type DaemonProcess, until, variableOf } from '../host.ts';
import { createSite, type Site, type SiteOptions, sleeper } from './site.ts';

/** A daemon that follows a repository. */
export interface Running extends Site {
  readonly daemon: DaemonProcess;
}

/** A daemon that follows a repository in which `web` and `api` are declared, and both run. */
export async function running(options: SiteOptions = {}): Promise<Running> {
  await using cleanup = new AsyncDisposableStack();
  const site = cleanup.use(await createSite(options));
  site.push({ web: sleeper(1), api: sleeper(2) });
  const daemon = await site.host.daemon();
  await until(() => valueIn(site, 1) === 0 && valueIn(site, 2) === 0).catch((error: Error) => {
    throw new Error(`${error.message}\n${daemon.output()}`);
  });
  await daemon.saw('ready');
  // Nothing is left to be done of the first run.
  await until(async () => (await site.host.reconcile('--dry-run')).code === 0);
  cleanup.move();
  return { ...site, daemon };
}

/** What status says above its table, by the daemon itself: asked often, a command each time would be all that the machine does. */
export async function notes(site: Site): Promise<Status['notes']> {
  return (await askStatus(socketOf(site)))?.notes ?? [];
}

/** Pids by name of what runs, by the daemon itself. */
export async function pidsOf(site: Site): Promise<Readonly<Record<string, number>>> {
  const { services = [] } = (await askStatus(socketOf(site))) ?? {};
  return Object.fromEntries(services.flatMap(({ name, pid }) => (pid === null ? [] : [[name, pid]])));
}

const socketOf = ({ host }: Site) => join(host.runtime, 'control.sock');

/** Waits until somebody else runs a service than did. */
export async function isAnother(site: Site, name: string, pid: number | undefined): Promise<void> {
  await until(async () => ((await pidsOf(site))[name] ?? pid) !== pid);
}

/** Waits until status says so, and that it is not well. */
export const complains = (site: Site, text: RegExp) =>
  until(async () => (await notes(site)).find((note) => !note.ok && text.test(note.text)));

/** Waits until nothing is complained of. */
export const isWell = (site: Site) => until(async () => (await notes(site)).every(({ ok }) => ok));

/** The value with which the one running copy of a service was started; two copies are an error. */
export function valueIn({ host }: Site, number: number): number | undefined {
  const found = host.processes().filter(({ command }) => command === `sleep ${7000 + number}`);
  if (found.length > 1) throw new Error(`two copies of ${number}: ${JSON.stringify(found)}`);
  const [main] = found;
  if (main === undefined) return undefined;
  return valueOfProcess(main.pid);
}

/** Undefined where it has just gone. */
export function valueOfProcess(pid: number): number | undefined {
  const value = variableOf(pid, 'VALUE');
  return value === undefined ? undefined : Number(value);
}

export const runs = (site: Site, number: number, value: number) => until(() => valueIn(site, number) === value);

/** How often the daemon has said something. */
export const times = ({ daemon }: Running, text: RegExp) =>
  daemon
    .output()
    .split('\n')
    .filter((line) => text.test(line)).length;

/** Longer than some polls of a second, with the jitter of each. */
export const somePolls = () => sleep(4500);
