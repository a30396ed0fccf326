import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { placesOf, whyNotPrefix } from '../../../src/service/places.ts';
import { unitText } from '../../../src/service/unit-text.ts';

it('is this, to the letter', () => {
  const text = unitText({
    places: placesOf(),
    args: ['--config', '/etc/reconciled/reconcile.config.yaml'],
    needs: ['/opt/reconciled', '/srv/desired-state'],
  });
  expect(
    text,
  ).toBe(`# Written by \`reconcile install\`. What you change here is shown by its next run and replaced only if you agree;
# drop-ins (\`systemctl edit reconciled\`) are yours and stay.
[Unit]
Description=reconciled: makes the processes of this host as Git says
Documentation=file:///opt/reconciled/current/docs/install.md
After=network.target nss-user-lookup.target dbus.socket
RequiresMountsFor=/opt/reconciled /srv/desired-state
# It is always worth another try.
StartLimitIntervalSec=0

[Service]
Type=notify
# It speaks by the systemd-notify program.
NotifyAccess=all
ExecStart=/opt/reconciled/current/node/bin/node --v8-pool-size=1 --max-semi-space-size=4 --no-opt --no-maglev --flush-baseline-code --bytecode-old-age=1 /opt/reconciled/current/dist/cli.js daemon --config /etc/reconciled/reconcile.config.yaml
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
TimeoutStartSec=180
TimeoutStopSec=60
WatchdogSec=60
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
`);
});

it.skipIf(!existsSync('/usr/bin/systemd-analyze'))(
  'is one that systemd has nothing to say against, odd paths and all',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'reconciled-unit-'));
    try {
      const current = join(folder, 'current');
      mkdirSync(join(current, 'node/bin'), { recursive: true });
      symlinkSync(process.execPath, join(current, 'node/bin/node'));
      const args = ['--desired-state', '/srv/a b$c%d"e\\f', '--host', 'x'];
      const text = unitText({ places: { current }, args, needs: ['/srv/a b%d', '/var/log/ü'] });
      expect(text).toContain(' daemon --desired-state "/srv/a b$$c%%d\\"e\\\\f" --host x\n');
      expect(text).toContain('RequiresMountsFor="/srv/a b%%d" /var/log/ü\n');
      writeFileSync(join(folder, 'reconciled.service'), text);
      const { status, stdout, stderr } = spawnSync(
        'systemd-analyze',
        ['verify', '--man=no', '--recursive-errors=no', join(folder, 'reconciled.service')],
        { encoding: 'utf8' },
      );
      expect([status, stdout, stderr]).toEqual([0, '', '']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

it.each([
  ['/opt/reconciled', true],
  ['/srv/tools/reconciled-1.0', true],
  ['opt', false],
  ['/', false],
  ['/opt/a b', false],
  ['/opt/$x', false],
  ['/opt/../etc', false],
  ['/opt/', false],
])('the prefix %s is one: %s', (prefix, expected) => {
  expect(whyNotPrefix(prefix) === undefined).toBe(expected);
});
