import { expect, it } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { type WhoProcess, type WhoReport, whoJson, whoText } from '../../../src/cli/views/who.ts';

const now = Date.parse('2026-03-25T12:00:00Z');
const INIT = { pid: 1, command: '/sbin/init' };
const own: WhoProcess = {
  pid: 4711,
  started: '2026-03-23T10:30:00.000Z',
  user: 'dolphin',
  manager: { kind: 'systemd', name: 'unit web.service', evidence: ['it is in the control group of that unit'] },
  parents: [INIT],
  ports: ['tcp 127.0.0.1:8010', '/run/web.sock'],
  directory: '/opt/web',
  command: '/usr/bin/python3 web.py',
  matches: [{ service: 'web', kind: 'own', score: 1, evidence: [] }],
};
const copy: WhoProcess = {
  ...own,
  pid: 5120,
  started: '2026-03-25T11:59:22.000Z',
  user: 'root',
  manager: { kind: 'process', name: 'process 812 `-bash`', evidence: ['that is its parent'] },
  parents: [{ pid: 812, command: '-bash' }, INIT],
  ports: null,
  directory: null,
  matches: [
    {
      service: 'web',
      kind: 'exact',
      score: 0.95,
      evidence: ['the same script /opt/web/web.py', 'its interpreter with -u'],
    },
  ],
};
const REPORT: WhoReport = {
  asked: 'web',
  services: [{ name: 'web', supervisor: 'systemd', state: 'RUNNING', pid: 4711 }],
  processes: [own, copy],
  conflicts: [
    {
      service: 'web',
      what: 'unit',
      name: 'old-web.service',
      does: 'runs',
      where: '/etc/systemd/system/old-web.service:5',
      why: 'the same script /opt/web/web.py',
      superseded: false,
    },
    {
      service: 'web',
      what: 'cron',
      name: 'cron line `* * * * * root systemctl restart web`',
      does: 'restarts',
      where: '/etc/crontab:12',
      why: '`systemctl restart web`',
      superseded: true,
    },
  ],
  unread: ['ports and folders of 5120, of other users: ask as root'],
};
const text = (report: WhoReport, width = 100, style = PLAIN) => whoText(report, { style, width, now });

it('shows each process with who runs it and what it matches, then what else claims the service', () => {
  expect(text(REPORT)).toBe(`\
web: systemd has it RUNNING as pid 4711; 1 other process runs it too.

pid 4711  is web
  started    2026-03-23 10:30:00 UTC, 2d01h ago
  user       dolphin
  run by     unit web.service: it is in the control group of that unit
  parents    1  /sbin/init
  ports      tcp 127.0.0.1:8010
             /run/web.sock
  directory  /opt/web
  command    /usr/bin/python3 web.py
  match      web, its supervisor says

pid 5120  runs the command of web, but not under its supervisor
  started    2026-03-25 11:59:22 UTC, 38s ago
  user       root
  run by     process 812 \`-bash\`: that is its parent
  parents    812  -bash
             1    /sbin/init
  ports      unknown: only its user and root may look
  directory  unknown: only its user and root may look
  command    /usr/bin/python3 web.py
  match      web, exact (0.95): the same script /opt/web/web.py; its interpreter with -u

unit old-web.service runs web too
    /etc/systemd/system/old-web.service:5
    the same script /opt/web/web.py
cron line \`* * * * * root systemctl restart web\` restarts web, and is superseded
    /etc/crontab:12
    \`systemctl restart web\`

Not everything could be read:
  ports and folders of 5120, of other users: ask as root
`);
});

it('says that nobody runs it', () => {
  const services = [{ name: 'web', supervisor: 'systemd', state: 'STOPPED', pid: null }];
  expect(text({ asked: 'web', services, processes: [], conflicts: [], unread: [] })).toBe(
    'web: nobody runs it; systemd has it STOPPED.\n',
  );
});

it('says what only looks like it, and what is no service at all', () => {
  const likely = {
    service: 'web',
    kind: 'likely',
    score: 0.35,
    evidence: ['a script of that name elsewhere'],
  } as const;
  const services = [{ name: 'web', supervisor: 'builtin', state: 'STOPPED', pid: null }];
  const processes = [{ ...copy, matches: [likely] }];
  const found = text({ asked: 'web', services, processes, conflicts: [], unread: [] });
  expect(found).toContain('web: builtin has it STOPPED; 1 more looks like it.\n');
  expect(found).toContain('pid 5120  looks like web\n');
  expect(
    text({ asked: '5120', services: [], processes: [{ ...copy, matches: [] }], conflicts: [], unread: [] }),
  ).toMatch(/^pid 5120 {2}is no declared service\n/);
});

it('keeps to the width', () => {
  const command = `/usr/bin/python3 ${'argument '.repeat(30)}`.trim();
  const report = { ...REPORT, processes: [{ ...own, command, parents: [{ pid: 9, command }, INIT] }] };
  const lines = text(report, 60).split('\n');
  expect(Math.max(...lines.slice(2, -12).map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(lines.filter((line) => line.includes('…'))).toHaveLength(1);
});

it('does not let a command line move the cursor', () => {
  const found = text({ ...REPORT, processes: [{ ...own, command: 'x \u001b[2J\u001b[31m' }] }, 100, COLOUR);
  expect(found).toContain('\\u001b[2J\\u001b[31m');
});

it('tells programs the same', () => {
  expect(JSON.parse(JSON.stringify(whoJson(REPORT)))).toEqual(JSON.parse(JSON.stringify(REPORT)));
});
