import { stringify } from 'yaml';

/** What the host of the origin story has, and what its Git says, before and after the migration. */

export type Name = 'scan_bridge' | 'nautilus_trader' | 'ticker';
/** By path below the desired state; null: removed. */
export type Files = Readonly<Record<string, string | null>>;

export const PROD = '/opt/dolphin/prod';
export const CONFIG = '/etc/supervisor/dolphin.conf';
export const SOCKET = '/run/dolphin/supervisor.sock';
const PYTHON = '/usr/bin/python3';

/** The arguments of each program; the old way and the new one run the very same. */
export const PROGRAMS: Readonly<Record<Name, readonly string[]>> = {
  scan_bridge: [PYTHON, `${PROD}/scan_bridge_service.py`],
  nautilus_trader: [PYTHON, `${PROD}/nautilus_event_trader.py`],
  // Of another group, for what the others must not stop.
  ticker: [PYTHON, `${PROD}/scan_bridge_service.py`, '8012', 'state/ticks.json'],
};

export const UNITS: Readonly<Record<Name, string>> = {
  scan_bridge: 'dolphin-scan-bridge.service',
  nautilus_trader: 'dolphin-nautilus-trader.service',
  ticker: 'ticker.service',
};

/** The health daemon, as somebody started it by hand. */
export const DAEMON: readonly string[] = ['python3', `${PROD}/meta_health_daemon_v2.py`];

/** A unit as people write them. The daemon's restarts count as starts: by default systemd would give up. */
export function unitText(name: Name, more: readonly string[] = []): string {
  return `[Unit]
Description=Dolphin ${name}
After=network.target
StartLimitIntervalSec=0

[Service]
Type=simple
User=dolphin
WorkingDirectory=${PROD}
ExecStart=${PROGRAMS[name].join(' ')}
Restart=always
RestartSec=1
MemoryMax=2G
${more.map((line) => `${line}\n`).join('')}
[Install]
WantedBy=multi-user.target
`;
}

/** The first commit: all is under systemd, as others wrote it. */
export function BASELINE(names: readonly Name[]): Files {
  const services = names.map((name) => [
    `services/${name}.yaml`,
    stringify({ supervisor: 'systemd', unit: UNITS[name], state: 'running', soak: '300ms' }),
  ]);
  // What is ours and no longer in Git goes: so a revert leaves no supervisord behind.
  return { 'policy.yaml': stringify({ owner: 'dolphin', prune: { max: 10 } }), ...Object.fromEntries(services) };
}

/** Settings of a service in place of the usual ones; those of `start` one by one. */
export interface Settings {
  readonly start?: object;
  readonly [key: string]: unknown;
}

export interface MigrationOptions {
  readonly more?: Partial<Record<Name, Settings>>;
  /** With the health daemon gone. */
  readonly daemon?: boolean;
}

/** The commit of the night: a supervisord of ours runs them, and what was wrong in the report is right. */
export function migration(names: readonly Name[], { more = {}, daemon = false }: MigrationOptions = {}): Files {
  const services = names.map((name) => [`services/${name}.yaml`, stringify(settings(name, names, more[name]))]);
  return {
    'supervisors/dolphin.yaml': stringify({
      config: CONFIG,
      owned: true,
      socket: { path: SOCKET, mode: '0600' },
      boot: 'systemd',
    }),
    ...Object.fromEntries(services),
    ...(daemon ? { 'services/meta_health_daemon.yaml': stringify(NO_DAEMON) } : {}),
  };
}

const NO_DAEMON = {
  description: 'Restarted healthy services because NG6 was down',
  supervisor: 'systemd',
  state: 'absent',
  supersedes: [{ process: DAEMON, user: 'root' }],
};

function settings(name: Name, names: readonly Name[], more: Settings = {}): object {
  const after = AFTER[name].filter((other) => names.includes(other));
  return {
    group: name === 'ticker' ? 'ticks' : 'dolphin',
    supervisor: 'supervisord/dolphin',
    state: 'running',
    autostart: false,
    command: PROGRAMS[name],
    directory: PROD,
    user: 'dolphin',
    stop: { signal: 'TERM', timeout: name === 'nautilus_trader' ? '30s' : '10s', tree: true },
    restart: { policy: 'always' },
    ...(name === 'nautilus_trader' ? { limits: { addressSpace: '2GiB' } } : {}),
    logs: { stdout: `logs/${name}.log`, stderr: `logs/${name}-error.log`, maxSize: '50MB', keep: 10 },
    health: HEALTH[name],
    soak: '300ms',
    supersedes: [{ unit: UNITS[name] }],
    ...more,
    start: {
      ready: '1s',
      timeout: '5s',
      retries: name === 'nautilus_trader' ? 3 : 5,
      ...(after.length === 0 ? {} : { after }),
      ...more.start,
    },
  };
}

const AFTER: Readonly<Record<Name, readonly Name[]>> = {
  scan_bridge: [],
  nautilus_trader: ['scan_bridge'],
  ticker: [],
};

const HEALTH: Readonly<Record<Name, readonly object[]>> = {
  scan_bridge: [{ name: 'port', tcp: { address: '127.0.0.1:8011' }, every: '200ms', failures: 3 }],
  nautilus_trader: [
    { name: 'api', http: { url: 'http://127.0.0.1:8010/health' }, every: '200ms', failures: 3 },
    // Down, as it was that night: no reason to do anything to the engine.
    { name: 'ng6', tcp: { address: '127.0.0.1:5701' }, every: '200ms', failures: 1, about: 'dependency' },
  ],
  ticker: [{ name: 'port', tcp: { address: '127.0.0.1:8012' }, every: '200ms', failures: 3 }],
};
