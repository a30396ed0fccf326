import { plain, quoteArgument, quoteWord } from '../supervisors/systemd/escape.ts';
import type { Places } from './places.ts';

/** How long (s) the daemon may give no sign of life. */
const WATCHDOG = 60;

/** As the launcher does it: a daemon mostly idles. */
export const NODE_FLAGS = [
  '--v8-pool-size=1',
  '--max-semi-space-size=4',
  '--no-opt',
  '--no-maglev',
  '--flush-baseline-code',
  '--bytecode-old-age=1',
];

export interface UnitOptions {
  readonly places: Pick<Places, 'current'>;
  /** What the daemon is started with, all paths absolute. */
  readonly args: readonly string[];
  /** Folders and files that must be there before it starts, such as the desired state. */
  readonly needs: readonly string[];
}

/**
 * The daemon as a service of the host's systemd. Its text is the same for every release, so that an upgrade changes no
 * unit: it goes by the `current` link.
 */
export function unitText({ places: { current }, args, needs }: UnitOptions): string {
  const command = [
    `${current}/node/bin/node`,
    ...NODE_FLAGS,
    `${current}/dist/cli.js`,
    'daemon',
    ...args.map((arg) => (/^[A-Za-z0-9_./:@+-]+$/.test(arg) ? arg : quoteArgument(arg))),
  ];
  const mounts = needs.map((path) => (/[\s"'\\]/.test(path) ? quoteWord(path) : plain(path)));
  return `# Written by \`reconcile install\`. What you change here is shown by its next run and replaced only if you agree;
# drop-ins (\`systemctl edit reconciled\`) are yours and stay.
[Unit]
Description=reconciled: makes the processes of this host as Git says
Documentation=file://${current}/docs/install.md
After=network.target nss-user-lookup.target dbus.socket
${mounts.length === 0 ? '' : `RequiresMountsFor=${mounts.join(' ')}\n`}# It is always worth another try.
StartLimitIntervalSec=0

[Service]
Type=notify
# It speaks by the systemd-notify program.
NotifyAccess=all
ExecStart=${command.join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
TimeoutStartSec=180
TimeoutStopSec=60
WatchdogSec=${WATCHDOG}
# It is as safe to kill as to stop, and a core dump would take its time.
WatchdogSignal=SIGKILL
# Its services outlive it, wherever they run.
KillMode=process
OOMPolicy=continue
OOMScoreAdjust=-900
TasksMax=infinity
LimitNOFILE=524288
Environment=MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=32768 MALLOC_TRIM_THRESHOLD_=65536

[Install]
WantedBy=multi-user.target
`;
}
