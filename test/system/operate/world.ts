import { stringify } from 'yaml';
import type { ServiceStatus } from '../../../src/model.ts';
import { RECONCILE, until } from '../../rig/host.ts';
import { type SystemdHost, systemdHost } from '../../rig/systemd/host.ts';
import { sh, show } from '../../rig/systemd/units.ts';

export const DESIRED = '/srv/desired-state';

/** A host with the daemon as its service: what an operator has after `reconcile install`. */
export class Operated implements AsyncDisposable {
  readonly host: SystemdHost;

  private constructor(host: SystemdHost) {
    this.host = host;
  }

  static async create(): Promise<Operated> {
    const world = new Operated(await systemdHost());
    world.host.write(`${DESIRED}/policy.yaml`, 'owner: operated\n');
    return world;
  }

  declare(name: string, service: object): void {
    const content = { supervisor: 'builtin', start: { ready: '0s' }, ...service };
    this.host.write(`${DESIRED}/services/${name}.yaml`, stringify(content));
  }

  /** The command line of the build that is tested. */
  reconcile(...args: readonly string[]) {
    return this.host.exec([RECONCILE, ...args], { timeout: 110_000 });
  }

  async install(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.reconcile('install', '--yes', '--desired-state', DESIRED, ...args);
    if (code !== 0) throw new Error(`install ended with ${code}: ${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  }

  /** Installs and starts it; resolves when it is ready. */
  async start(): Promise<void> {
    await this.install();
    await this.host.systemctl('enable', '--now', 'reconciled');
  }

  async mainPid(): Promise<number> {
    return (await show(this.host, ['reconciled.service'])).get('reconciled.service')?.pid ?? 0;
  }

  async status(): Promise<ReadonlyMap<string, ServiceStatus>> {
    const { stdout, stderr } = await this.host.exec(['reconcile', 'status', '--json', '--desired-state', DESIRED]);
    const { services } = JSON.parse(stdout || '{}') as { readonly services?: readonly ServiceStatus[] };
    if (services === undefined) throw new Error(`no status: ${stderr}`);
    return new Map(services.map((service) => [service.name, service]));
  }

  /** Pids of services once so many run. */
  async pids(count: number): Promise<ReadonlyMap<string, number>> {
    const pids = await until(async () => {
      const running = [...(await this.status())].flatMap(([name, { pid, state }]) =>
        pid === null || state !== 'RUNNING' ? [] : [[name, pid] as const],
      );
      return running.length === count ? new Map(running) : undefined;
    });
    return pids as ReadonlyMap<string, number>;
  }

  /** The control group of a process, as systemd names it. */
  groupOf(pid: number): string {
    const lines = this.host.read(`/proc/${pid}/cgroup`).trim().split('\n');
    const line = lines.find((line) => line.includes('name=systemd')) ?? lines.find((line) => line.startsWith('0::'));
    return line?.split(':').slice(2).join(':').split('/').at(-1) ?? '';
  }

  /** Its log. */
  async journal(): Promise<string> {
    return sh(this.host, 'journalctl -u reconciled -o cat --no-pager');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
  }
}
