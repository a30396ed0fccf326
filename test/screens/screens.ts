/** One command, and the terminal it is typed in. */
export interface Screen {
  /** A section begins with it. */
  readonly title?: string;
  readonly text?: string;
  /** Done before it, and not shown. */
  readonly before?: string;
  readonly daemon?: 'start';
  /** Seconds. */
  readonly wait?: number;
  readonly run: string;
  /** Of the terminal; undefined: its output is a pipe. */
  readonly columns?: number;
  /** Typed after some seconds. */
  readonly keys?: string;
  readonly after?: number;
  /** Not as root. */
  readonly user?: boolean;
}

const narrow = (run: string, more: Partial<Screen> = {}): Screen => ({ run, columns: 80, ...more });
const wide = (run: string, more: Partial<Screen> = {}): Screen => ({ run, columns: 200, ...more });
const piped = (run: string, more: Partial<Screen> = {}): Screen => ({ run, ...more });

export const SCREENS: readonly Screen[] = [
  narrow('reconcile --help', { title: 'Help' }),
  wide('reconcile --help'),
  narrow('reconcile stop --help'),
  narrow('reconcile validate', { title: 'Before anything runs' }),
  narrow('reconcile status'),
  narrow('reconcile --dry-run'),
  piped('reconcile --dry-run | cat'),
  narrow('reconcile doctor'),
  wide('reconcile doctor'),
  narrow('reconcile history'),
  narrow('reconcile', { title: 'One run' }),
  narrow('reconcile'),
  narrow('reconcile status'),
  wide('reconcile status'),
  wide('reconcile status --wide'),
  piped('reconcile status | cat'),
  narrow('reconcile status --wide'),
  piped('reconcile status --json | head -25'),
  narrow('reconcile status nautilus_trader'),
  narrow("reconcile status 'dolphin:*'"),
  narrow('reconcile --stop', { title: 'Slips' }),
  narrow('reconcile statsu'),
  narrow('reconcile stauts nautilus'),
  narrow('reconcile status nautilus'),
  narrow('reconcile stop nautilus_tradr'),
  narrow("reconcile stop 'dolfin:*'"),
  narrow('reconcile stop'),
  narrow('reconcile restart --all --only scan_bridge'),
  narrow('reconcile --json statsu'),
  narrow('reconcile hold scan_bridge'),
  narrow('reconcile hold scan_bridge --reason x --for 2x'),
  narrow('reconcile logs scan_brdge'),
  narrow('reconcile --desired-state /nowhere status'),
  narrow('reconcile --desired-state /nowhere'),
  narrow('reconcile --config /nowhere.yaml'),
  narrow('cd / && reconcile status'),
  narrow('cd / && reconcile'),
  narrow('reconcile daemon --dry-run'),
  narrow('reconcile diff'),
  narrow('reconcile apply nothing.json'),
  narrow('reconcile', {
    title: 'An invalid file',
    before: 'printf "comand: [x]\\n" >> desired-state/services/scan_bridge.yaml',
  }),
  wide('reconcile validate'),
  narrow('reconcile status'),
  narrow('reconcile validate', { before: 'git checkout -q .' }),
  narrow('reconcile status', { title: 'With a daemon', daemon: 'start' }),
  wide('reconcile status'),
  narrow('reconcile set nautilus_trader.limits.addressSpace=3GiB scan_bridge.environment.TZ=UTC --dry-run'),
  narrow('reconcile set nautilus_trader.limits.openFiles=8192 --commit', { keys: 'y\\n', after: 4 }),
  narrow('reconcile events -n 12', { wait: 8 }),
  narrow('reconcile events --sinc 1m'),
  narrow('reconcile status'),
  narrow("reconcile stop nautilus_trader --reason 'a look at its files' --for 2h", { title: 'By hand' }),
  narrow('reconcile status'),
  narrow('reconcile --dry-run'),
  narrow('reconcile start nautilus_trader'),
  narrow('reconcile restart scan_bridge'),
  narrow("reconcile restart 'dolphin:*'"),
  narrow('reconcile signal USR2 meta_health_daemon'),
  narrow('reconcile reload scan_bridge'),
  narrow("reconcile hold scan_bridge --reason 'a debugger' --for 10m"),
  narrow('reconcile release scan_bridge'),
  narrow("reconcile freeze --reason 'the auditors' --for 1h"),
  narrow('reconcile unfreeze'),
  narrow('reconcile approve'),
  narrow('reconcile capture nautilus_trader'),
  narrow('reconcile logs scan_bridge -n 5', { title: 'Looking' }),
  narrow('reconcile logs -n 4'),
  narrow("reconcile logs 'dolphin:*' -n 4"),
  wide("reconcile logs 'dolphin:*' -n 4"),
  narrow('reconcile env nautilus_trader'),
  narrow('reconcile config'),
  wide('reconcile config'),
  narrow('reconcile who --restarts nautilus_trader --for 2s'),
  narrow('reconcile history --limit 3'),
  wide('reconcile history nautilus_trader --limit 3'),
  narrow('reconcile explain nautilus_trader'),
  wide('reconcile explain nautilus_trader'),
  narrow('reconcile diff HEAD~1..'),
  narrow('reconcile alert test'),
  narrow('reconcile events -n 5'),
  narrow('reconcile plan --out /tmp/friday.json'),
  narrow('reconcile rollback --dry-run'),
  narrow('reconcile retry'),
  narrow('reconcile sync'),
  narrow('reconcile hook install'),
  narrow('reconcile hook remove'),
  narrow('reconcile import --dry-run'),
  narrow('reconcile init --dry-run /tmp/new'),
  narrow('reconcile install --dry-run'),
  narrow('reconcile uninstall --dry-run'),
  narrow('reconcile completion bash | head -3'),
  narrow('reconcile status', { title: 'As another user', user: true }),
  narrow('reconcile --dry-run', { user: true }),
  narrow('reconcile stop scan_bridge', { user: true }),
  narrow('reconcile logs scan_bridge -n 2', { user: true }),
  narrow('reconcile set scan_bridge.umask=027', { user: true }),
  narrow('reconcile history', { user: true }),
  narrow('reconcile doctor', { user: true }),
  narrow('reconcile daemon', { user: true }),
  piped(
    "reconcile status | perl -e '$| = 1; while (sysread(STDIN, $c, 16)) { print $c; select(undef, undef, undef, 0.05) }'",
    {
      title: 'Over a slow link',
      text: 'At 320 bytes a second: nothing is lost, and nobody else waits.',
    },
  ),
  narrow('reconcile status --watch', { keys: '\\x03', after: 3 }),
];
