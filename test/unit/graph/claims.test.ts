import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClaimOptions, conflictsOf, readClaims } from '../../../src/graph/claims.ts';
import { claimsIn } from '../../../src/graph/crontabs.ts';
import type { Declared } from '../../../src/graph/declared.ts';
import { commandLinesOf } from '../../../src/graph/unit-text.ts';
import { nameOfThing } from '../../../src/thing.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reconciled-claims-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A unit that is enabled. */
function enabled(unit: string, text: string, by = 'multi-user.target.wants'): void {
  write(`units/${unit}`, text);
  mkdirSync(join(root, 'units', by), { recursive: true });
  symlinkSync(`../${unit}`, join(root, 'units', by, unit));
}

const TRADER: Declared = {
  id: 'nautilus_trader',
  supervisor: 'supervisord/dolphin',
  command: ['/opt/venv/bin/python3', 'nautilus_event_trader.py'],
  directory: '/opt/dolphin',
  user: 'dolphin',
  supersedes: [],
};
const conflicts = (more: Partial<Declared> = {}, options: Partial<ClaimOptions> = {}) =>
  conflictsOf([{ ...TRADER, ...more }], {
    unitFolders: [join(root, 'units')],
    cron: { files: [join(root, 'crontab')], folders: [join(root, 'cron.d')], spools: [join(root, 'spool')] },
    ...options,
  })
    // Of the machine that runs this test.
    .filter(({ where }) => where.startsWith(root))
    .map(({ what, thing, does, where, why }) => ({
      told: `${what} ${nameOfThing(thing)} ${does} it: ${where.slice(root.length + 1)}`.replaceAll(root, ''),
      why,
    }));
const told = (...args: Parameters<typeof conflicts>) => conflicts(...args).map((one) => one.told);

const UNIT = `[Unit]
Description=Trader

[Service]
User=dolphin
WorkingDirectory=/opt/dolphin
ExecStart=/usr/bin/python3 \\
  -u nautilus_event_trader.py
`;

describe('a unit', () => {
  it('that is enabled and runs the command is a conflict, and says where', () => {
    enabled('dolphin-trader.service', UNIT);
    expect(conflicts()).toEqual([
      {
        told: 'unit dolphin-trader.service runs it: units/dolphin-trader.service:7',
        why: 'the same script /opt/dolphin/nautilus_event_trader.py; run by /usr/bin/python3; its interpreter with -u; of the same user dolphin',
      },
    ]);
  });

  it('that is not enabled, is masked or runs something else is none', () => {
    write('units/a.service', UNIT);
    enabled('c.service', UNIT.replace('nautilus', 'other_nautilus'));
    enabled('d.service', UNIT.replace('/opt/dolphin', '/opt/other'));
    mkdirSync(join(root, 'units', 'x.target.wants'), { recursive: true });
    symlinkSync('/dev/null', join(root, 'units', 'b.service'));
    symlinkSync('../b.service', join(root, 'units', 'x.target.wants', 'b.service'));
    expect(told()).toEqual([]);
  });

  it('is what its drop-ins make of it', () => {
    enabled('t.service', UNIT);
    write('units/t.service.d/x.conf', '[Service]\nExecStart=\nExecStart=/bin/true\n');
    expect(told()).toEqual([]);
  });

  it('of ours is none, that of another owner is one', () => {
    enabled('t.service', `${UNIT}\n[X-Reconciled]\nStamp=v1:me:nautilus_trader::abc\n`);
    expect(told({}, { owner: 'me' })).toEqual([]);
    expect(told({}, { owner: 'other' })).toEqual(['unit t.service runs it: units/t.service:7']);
  });

  it('that the service itself is, is none', () => {
    enabled('t.service', UNIT);
    expect(told({ supervisor: 'systemd', unit: 't.service' })).toEqual([]);
  });

  it('that is superseded is left out, unless it is asked for', () => {
    enabled('t.service', UNIT);
    const supersedes = [{ kind: 'unit', unit: 't.service' }] as const;
    expect(told({ supersedes })).toEqual([]);
    expect(told({ supersedes }, { superseded: true })).toHaveLength(1);
  });

  it('of a template runs what its instance makes of it', () => {
    write('units/t@.service', UNIT.replace('nautilus_event_trader.py', '%i_event_trader.py'));
    mkdirSync(join(root, 'units', 'm.target.wants'), { recursive: true });
    symlinkSync('../t@.service', join(root, 'units', 'm.target.wants', 't@nautilus.service'));
    expect(told()).toEqual(['unit t@nautilus.service runs it: units/t@.service:7']);
  });

  it('that restarts another one that runs it is one too', () => {
    enabled('t.service', UNIT);
    enabled('watchdog.service', "[Service]\nExecStart=/bin/sh -c 'while sleep 2; do systemctl restart t; done'\n");
    expect(conflicts()[1]).toEqual({
      told: 'unit watchdog.service restarts it: units/watchdog.service:2',
      why: '`systemctl restart t`',
    });
  });
});

describe('a timer', () => {
  it('whose unit runs or restarts the service is a conflict', () => {
    enabled('nightly.timer', '[Timer]\nOnCalendar=daily\nUnit=bounce.service\n', 'timers.target.wants');
    write(
      'units/bounce.service',
      '[Service]\nExecStart=/usr/bin/supervisorctl -c /x.conf restart dolphin:nautilus_trader\n',
    );
    enabled('again.timer', '[Timer]\nOnCalendar=daily\n', 'timers.target.wants');
    write('units/again.service', UNIT);
    expect(told().sort()).toEqual([
      'timer again.timer runs it: units/again.service:7',
      'timer nightly.timer restarts it: units/bounce.service:2',
    ]);
  });

  it('that starts the unit of the service is one', () => {
    enabled('t.timer', '[Timer]\nOnCalendar=daily\n', 'timers.target.wants');
    expect(told({ supervisor: 'systemd', unit: 't.service' })).toEqual(['timer t.timer restarts it: units/t.timer:2']);
  });
});

describe('a line of a crontab', () => {
  const line = (text: string, more: Partial<Declared> = {}) => {
    write('crontab', `SHELL=/bin/sh\n# m h\n${text}\n`);
    return told(more).map((one) => one.replace(/^cron cron line `.*` /, ''));
  };

  it.each([
    '* * * * * dolphin cd /opt/dolphin && python3 nautilus_event_trader.py >>/tmp/log 2>&1',
    '@reboot root /usr/bin/flock -n /tmp/l sudo -u dolphin /usr/bin/python3 /opt/dolphin/nautilus_event_trader.py',
    '*/5 * * * * root pgrep -f trader || timeout 60 python3 /opt/dolphin/nautilus_event_trader.py &',
  ])('that runs it is a conflict: %s', (text) => {
    expect(line(text)).toEqual(['runs it: crontab:3']);
  });

  it.each([
    '* * * * * root supervisorctl restart nautilus_trader',
    '* * * * * root /usr/bin/supervisorctl -c /etc/x.conf restart all',
    '* * * * * root systemctl --no-block restart trader',
    '* * * * * root test -e /tmp/x && service trader restart',
    "* * * * * root bash -c 'sleep 5; systemctl restart trader.service'",
  ])('that restarts it is one: %s', (text) => {
    expect(line(text, { supersedes: [{ kind: 'unit', unit: 'trader.service' }] })).toEqual(['restarts it: crontab:3']);
  });

  it.each([
    '# * * * * * dolphin cd /opt/dolphin && python3 nautilus_event_trader.py',
    '* * * * * root grep nautilus_event_trader.py /var/log/x',
    '* * * * * root systemctl restart other',
    '* * * * * root systemctl status trader',
    '* * * * * root supervisorctl restart nautilus',
    '0 1 * * * root /usr/bin/python3 /opt/other/nautilus_event_trader.py',
  ])('that does neither is none: %s', (text) => {
    expect(line(text, { supersedes: [{ kind: 'unit', unit: 'trader.service' }] })).toEqual([]);
  });

  it('is left out where it is superseded, however many blanks it has', () => {
    const text = '* * * * *  root   supervisorctl restart nautilus_trader';
    const supersedes = [{ kind: 'cron', line: '* * * * * root supervisorctl restart nautilus_trader' }] as const;
    expect(line(text)).toHaveLength(1);
    expect(line(text, { supersedes })).toEqual([]);
  });

  it('is read from folders and from those of users', () => {
    write('cron.d/trader', '* * * * * root supervisorctl restart nautilus_trader\n');
    write('cron.d/trader.dpkg-old', '* * * * * root supervisorctl restart nautilus_trader\n');
    write('spool/root', '@daily supervisorctl restart nautilus_trader\n');
    expect(conflicts().map((one) => one.told.replace(/^.*: /, ''))).toEqual(['cron.d/trader:1', 'spool/root:1']);
  });

  it('ends at a percent sign that is not escaped', () => {
    const [claim] = claimsIn('/x', '* * * * * root echo 10\\% %standard input', undefined);
    expect(claim?.runs[0]?.argv).toEqual(['echo', '10%']);
  });
});

describe('a program', () => {
  const CONFIG = `[supervisord]
[program:trader]
command=/usr/bin/python3 "nautilus_event_trader.py"
directory=/opt/dolphin
user=root
[program:later]
command=/usr/bin/python3 /opt/dolphin/nautilus_event_trader.py
autostart=false
[group:g]
programs=twin
[program:twin]
command=/usr/bin/python3 /opt/dolphin/nautilus_event_trader.py
`;

  it('that a supervisord starts is a conflict, each of several', () => {
    write('s.conf', CONFIG);
    expect(told({ user: undefined }, { supervisords: [{ config: join(root, 's.conf') }] }).sort()).toEqual([
      'program program g:twin of /s.conf runs it: s.conf:12',
      'program program trader of /s.conf runs it: s.conf:3',
    ]);
  });

  it('of our own file is none', () => {
    write('s.conf', '[supervisord]\n[include]\nfiles=own.conf\n');
    write('own.conf', CONFIG.replace('[supervisord]\n', ''));
    const config = join(root, 's.conf');
    expect(told({}, { supervisords: [{ config, own: join(root, 'own.conf') }] })).toEqual([]);
    expect(told({}, { supervisords: [{ config }] })).toHaveLength(2);
  });

  it('that is superseded is left out, with its group or without', () => {
    write('s.conf', CONFIG);
    const config = join(root, 's.conf');
    const supersedes = [
      { kind: 'program', program: 'trader:trader', config },
      { kind: 'program', program: 'g:twin', config },
    ] as const;
    expect(told({ supersedes }, { supervisords: [{ config }] })).toEqual([]);
  });

  it('that is superseded process by process is left out once all of them are', () => {
    const command = 'command=/usr/bin/python3 /opt/dolphin/nautilus_event_trader.py';
    write('s.conf', `[supervisord]\n[program:t]\n${command}\nnumprocs=2\nprocess_name=t_%(process_num)d\n`);
    const config = join(root, 's.conf');
    const part = (program: string) => ({ kind: 'program', program, config }) as const;
    const [one, two] = [part('t:t_0'), part('t:t_1')];
    expect(told({ supersedes: [one] }, { supervisords: [{ config }] })).toHaveLength(1);
    expect(told({ supersedes: [one, two] }, { supervisords: [{ config }] })).toEqual([]);
  });
});

it('tells what could not be read', () => {
  mkdirSync(join(root, 'units'));
  // No file can be below a file.
  write('loop', '');
  symlinkSync('self', join(root, 'self'));
  const cron = { files: [join(root, 'self')], folders: [], spools: [] };
  expect(readClaims({ unitFolders: [], cron }).unreadable.filter((text) => text.startsWith(root))).toEqual([
    `${join(root, 'self')}: too many symbolic links`,
  ]);
});

it.each([
  ['-/usr/bin/x a', [['/usr/bin/x', 'a']]],
  ['@/usr/bin/x name a', [['/usr/bin/x', 'a']]],
  ['/usr/bin/x "a b" \'c d\' e\\x20f', [['/usr/bin/x', 'a b', 'c d', 'e f']]],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as systemd has it
  ['/usr/bin/x $ARGS ${ONE}z $$HOME $OTHER %%', [['/usr/bin/x', '1', '2', 'yz', '$HOME', '$OTHER', '%']]],
  ['/bin/a ; /bin/b c', [['/bin/a'], ['/bin/b', 'c']]],
  ['/bin/a %i %I %p', [['/bin/a', 'x-y', 'x/y', 'web']]],
])('reads the command line %s of a unit', (value, lines) => {
  const environment = new Map([
    ['ARGS', '1 2'],
    ['ONE', 'y'],
  ]);
  expect(commandLinesOf(value, 'web@x-y.service', environment)).toEqual(lines);
});
