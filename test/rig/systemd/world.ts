import { rmSync } from 'node:fs';
import { stringify } from 'yaml';
import type { ServiceStatus } from '../../../src/model.ts';
import { type DaemonProcess, daemonProcess, RECONCILE, type Result } from '../host.ts';
import type { SystemdHost } from './host.ts';

/** The services of one owner on a host, with a desired state, decisions and a daemon of their own. */
export interface World extends AsyncDisposable {
  /** Its desired-state directory. */
  readonly desired: string;
  /** Writes `services/NAME.yaml`; under systemd and quick to be ready where nothing else is said. */
  declare(name: string, service: object): void;
  forget(name: string): void;
  /** The command line with the folders of this world. */
  command(...args: readonly string[]): string[];
  reconcile(...args: readonly string[]): Promise<Result>;
  /** Makes it so: all it says, with single spaces only; an error with that unless it ends with this code. */
  apply(code?: number, ...args: readonly string[]): Promise<string>;
  /** What a plan would do and what it holds: `replace:web`, `! web drift`. */
  plan(): Promise<readonly string[]>;
  status(name: string): Promise<ServiceStatus>;
  /** Starts a daemon; resolves when it is ready. It is killed in the end. */
  daemon(): Promise<DaemonProcess>;
}

export interface WorldOptions {
  readonly policy?: object;
  /** As whom all is done; root where left out. */
  readonly user?: string;
}

/** `name` is its owner, and must be one of its own on the host. */
export function createWorld(host: SystemdHost, name: string, { policy = {}, user }: WorldOptions = {}): World {
  const home = user === undefined ? '/root' : `/home/${user}`;
  const folder = `${home}/${name}`;
  const desired = `${folder}/desired-state`;
  const path = (service: string) => `${desired}/services/${service}.yaml`;
  const as = user === undefined ? {} : { user };
  const daemons: DaemonProcess[] = [];
  host.write(`${desired}/policy.yaml`, stringify({ owner: name, ...policy }));
  const world: World = {
    desired,
    declare: (service, content) =>
      host.write(path(service), stringify({ supervisor: 'systemd', start: { ready: '0s' }, ...content })),
    forget: (service) => rmSync(host.path(path(service))),
    command: (...args) => [
      RECONCILE,
      ...args,
      ...['--desired-state', desired, '--runtime-dir', `${folder}/run`, '--state-dir', `${folder}/state`],
    ],
    reconcile: (...args) => host.exec(world.command(...args), { ...as, timeout: 110_000 }),
    apply: async (code = 0, ...args) => {
      const result = await world.reconcile(...args);
      const said = `${result.stdout}${result.stderr}`;
      if (result.code !== code) throw new Error(`reconcile ended with ${result.code}: ${said}`);
      return said.replace(/\s+/g, ' ');
    },
    plan: async () => {
      const { stdout, stderr } = await world.reconcile('--dry-run', '--json');
      const { steps, held } = JSON.parse(stdout || '{}') as Partial<PlanJson>;
      if (steps === undefined || held === undefined) throw new Error(`no plan: ${stdout}${stderr}`);
      return [...steps.map(({ id }) => id), ...held.map(({ service, reason }) => `! ${service} ${reason.kind}`)];
    },
    status: async (service) => {
      const { stdout, stderr } = await world.reconcile('status', '--json');
      const { services } = JSON.parse(stdout || '{}') as { services?: readonly ServiceStatus[] };
      const found = services?.find((row) => row.name === service);
      if (found === undefined) throw new Error(`no status of ${service}: ${stdout}${stderr}`);
      return found;
    },
    daemon: async () => {
      const daemon = daemonProcess(host.spawn(world.command('daemon'), as));
      daemons.push(daemon);
      await daemon.saw('"event":"ready"');
      return daemon;
    },
    [Symbol.asyncDispose]: async () => {
      for (const daemon of daemons) await daemon.stop('SIGKILL');
    },
  };
  return world;
}

interface PlanJson {
  readonly steps: readonly { readonly id: string }[];
  readonly held: readonly { readonly service: string; readonly reason: { readonly kind: string } }[];
}
