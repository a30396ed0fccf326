import { readFileSync } from 'node:fs';
import { until } from '../../rig/host.ts';
import { type SystemdHost, systemdHost } from '../../rig/systemd/host.ts';
import { type Shown, sh, show } from '../../rig/systemd/units.ts';
import { BASELINE, CONFIG, DAEMON, type Files, type Name, PROD, PROGRAMS, UNITS, unitText } from './declared.ts';
import { type Sampler, startSampler } from './sampler.ts';

const DESIRED = '/root/desired-state';
const STAND_INS = ['nautilus_event_trader.py', 'scan_bridge_service.py', 'meta_health_daemon_v2.py'];

export interface WorldOptions {
  /** Those that run under systemd at first, hand-written and enabled. All where left out. */
  readonly names?: readonly Name[];
  /** Lines added to the `[Service]` of such a unit. */
  readonly units?: Partial<Record<Name, readonly string[]>>;
  /** The health daemon, started by hand. Not where left out. */
  readonly daemon?: boolean;
}

/** A dry run or an apply: its exit code, all it printed, and that with each run of blanks as one. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly all: string;
  readonly words: string;
}

/**
 * The host of the origin story before the night: units by hand under systemd, a health daemon that nobody owns, and a Git
 * repository that says so in its first commit.
 */
export class World implements AsyncDisposable {
  readonly host: SystemdHost;
  readonly names: readonly Name[];
  sampler: Sampler;
  readonly #units: ReadonlyMap<Name, string>;

  private constructor(host: SystemdHost, units: ReadonlyMap<Name, string>) {
    this.host = host;
    this.names = [...units.keys()];
    this.#units = units;
    this.sampler = this.#watch();
  }

  #watch(): Sampler {
    return startSampler(this.host, { ...PROGRAMS, meta_health_daemon: DAEMON });
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const { names = Object.keys(PROGRAMS) as Name[], units = {}, daemon = false } = options;
    const host = await systemdHost();
    try {
      const texts = new Map(names.map((name) => [name, unitText(name, units[name])]));
      await sh(host, 'id dolphin >/dev/null 2>&1 || useradd --create-home --shell /bin/sh dolphin');
      for (const file of STAND_INS)
        host.write(`${PROD}/${file}`, readFileSync(new URL(file, import.meta.url), 'utf8'), 0o755);
      await sh(host, `install -d -o dolphin -g dolphin ${PROD}/state ${PROD}/logs`);
      for (const [name, text] of texts) host.write(`/etc/systemd/system/${UNITS[name]}`, text);
      await host.systemctl('daemon-reload');
      await host.systemctl('enable', '--now', ...names.map((name) => UNITS[name]));
      const world = new World(host, texts);
      await sh(host, `mkdir -p ${DESIRED} && cd ${DESIRED} && git init -q -b main .`);
      await world.commit('As it has grown', BASELINE(names));
      await until(() => names.every((name) => world.sampler.now(name).length === 1));
      if (daemon) await world.startDaemon();
      return world;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A power failure, and the boot after it. What the sampler saw before is lost. */
  async powerCut(): Promise<void> {
    await this.host.crash();
    this.sampler.stop();
    const doubles = this.sampler.doubles();
    if (doubles.length > 0) throw new Error(`two copies before the power failure: ${JSON.stringify(doubles)}`);
    await this.host.boot();
    this.sampler = this.#watch();
    await this.sampler.caughtUp();
  }

  /** Starts the health daemon as the person of the report did. */
  async startDaemon(): Promise<number> {
    await sh(this.host, `setsid nohup ${DAEMON.join(' ')} >/root/mhs.log 2>&1 </dev/null &`);
    await until(() => this.sampler.now('meta_health_daemon').length === 1);
    return this.sampler.now('meta_health_daemon')[0]?.pid ?? 0;
  }

  /** Commits files of the desired state; null removes one. */
  async commit(message: string, files: Files): Promise<void> {
    for (const [path, text] of Object.entries(files)) if (text !== null) this.host.write(`${DESIRED}/${path}`, text);
    const gone = Object.keys(files).filter((path) => files[path] === null);
    if (gone.length > 0) await sh(this.host, `cd ${DESIRED} && rm -- "$@"`, ...gone);
    await this.#git('add', '--all');
    await this.#git('commit', '--quiet', '--message', message);
  }

  /** `git revert` of the last commit. */
  async revert(): Promise<void> {
    await this.#git('revert', '--no-edit', 'HEAD');
  }

  async #git(...args: readonly string[]): Promise<string> {
    return sh(this.host, `cd ${DESIRED} && git -c user.name=dolphin -c user.email=dolphin@example.org "$@"`, ...args);
  }

  async reconcile(...args: readonly string[]): Promise<Said> {
    const { code, stdout, stderr } = await this.host.reconcile(...args);
    const all = `${stdout}${stderr}`;
    return { code, stdout, all, words: all.replace(/\s+/g, ' ') };
  }

  /** What systemd says of the old units, by service. */
  async units(): Promise<Readonly<Record<string, Shown>>> {
    const shown = await show(
      this.host,
      this.names.map((name) => UNITS[name]),
    );
    return Object.fromEntries(this.names.map((name) => [name, shown.get(UNITS[name]) as Shown]));
  }

  /** Is the file of each old unit still byte for byte what a person wrote? */
  unitsKept(): boolean {
    return [...this.#units].every(([name, text]) => this.host.read(`/etc/systemd/system/${UNITS[name]}`) === text);
  }

  /** What is beside the old units: drop-ins that are still in force. */
  async dropIns(): Promise<string> {
    return sh(this.host, 'ls -d /etc/systemd/system/*.d /run/systemd/system/*.d 2>/dev/null || true');
  }

  unitOf(name: Name): string {
    return UNITS[name];
  }

  /** `600 root`, for a file or a socket. */
  async mode(path: string): Promise<string> {
    return (await sh(this.host, 'stat -c "%a %U" "$1"', path)).trim();
  }

  /** enabled, disabled, ...; empty where there is no such unit. */
  async unitFileState(unit: string): Promise<string> {
    return (await show(this.host, [unit])).get(unit)?.fileState ?? '';
  }

  /** `NAME STATE`, as supervisorctl tells; empty where no supervisord answers. */
  async programs(): Promise<Readonly<Record<string, string>>> {
    if (!this.host.exists(CONFIG)) return {};
    const { stdout } = await this.host.exec(['supervisorctl', '-c', CONFIG, 'status']);
    return Object.fromEntries(
      [...stdout.matchAll(/^(\S+)\s+([A-Z]+)\b/gm)].map(([, name = '', state = '']) => [name, state]),
    );
  }

  /** The one pid of a program; 0 where it has none or several. */
  pid(name: Name | 'meta_health_daemon'): number {
    const [one, ...more] = this.sampler.now(name);
    return one === undefined || more.length > 0 ? 0 : one.pid;
  }

  /** The last part of a process's control group, such as `supervisord-dolphin.service`; empty for no process. */
  cgroup(pid: number): string {
    if (pid === 0) return '';
    const lines = this.host.read(`/proc/${pid}/cgroup`).trim().split('\n');
    const own = lines.find((line) => /:name=systemd:|^0::/.test(line)) ?? '';
    return own.split('/').at(-1) ?? '';
  }

  state(file: string): string {
    const path = `${PROD}/state/${file}`;
    return this.host.exists(path) ? this.host.read(path) : '';
  }

  /** The numbers of all scans that the engine has taken, in its order. */
  scans(): readonly number[] {
    return this.state('processed.log')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Number(line.split(' ')[0]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sampler.stop();
    await this.host[Symbol.asyncDispose]();
  }
}
