import { describe, expect, it } from 'vitest';
import { styleFor } from '../../../src/cli/style.ts';
import { countsOf, type ImportReport, importJson, importText } from '../../../src/cli/views/import.ts';

const style = styleFor({ isTTY: false } as never);

const REPORT: ImportReport = {
  services: [
    {
      name: 'web',
      file: 'services/web.yaml',
      kind: 'unit',
      origin: 'unit web.service (/etc/systemd/system/web.service)',
      warnings: ['secrets were moved out of it to /etc/reconciled/env/web.env: API_TOKEN'],
      losses: [],
    },
    {
      name: 'worker',
      file: 'services/worker.yaml',
      kind: 'program',
      origin: 'program worker (/etc/supervisor/supervisord.conf:12)',
      warnings: [],
      losses: [
        { key: 'stdout_syslog', value: 'true', where: 'supervisord.conf:15', why: 'logs go to files' },
        { key: 'rlimit_as', why: 'supervisord ignores it' },
      ],
    },
  ],
  supervisors: [],
  there: [{ name: 'old', file: 'services/old.yaml', origin: 'unit old.service (/etc/systemd/system/old.service)' }],
  refused: [
    {
      origin: 'unit bad.service (/etc/systemd/system/bad.service)',
      problem: {
        code: 'not-a-unit',
        summary: 'cannot import bad.service: it is a shell script',
        at: { file: '/etc/systemd/system/bad.service', line: 1, column: 1, length: 2, excerpt: '#!/bin/sh' },
        hint: 'write a unit that runs it',
      },
    },
  ],
  files: [
    { path: '/etc/reconciled/env/web.env', kind: 'environment', text: undefined, keys: ['API_TOKEN'] },
    { path: 'services/web.yaml', kind: 'service', text: 'supervisor: systemd\n', keys: [] },
    { path: 'services/worker.yaml', kind: 'service', text: 'supervisor: supervisord/main\n', keys: [] },
  ],
  notices: [],
  unread: ['/var/spool/cron/crontabs: permission denied'],
  packaged: ['cron.service', 'ssh.service'],
  written: true,
};

describe('what an import tells', () => {
  it('each service with where it is from, what is to be looked at, and what was not carried', () => {
    expect(
      importText(REPORT, { style, width: 100 }),
    ).toBe(`  + services/web.yaml            unit web.service (/etc/systemd/system/web.service)
  + services/worker.yaml         program worker (/etc/supervisor/supervisord.conf:12)
  + /etc/reconciled/env/web.env  mode 0600: API_TOKEN
    services/old.yaml            there already: unit old.service (/etc/systemd/system/old.service)
  ! unit bad.service (/etc/systemd/system/bad.service)

To look at:
  web: secrets were moved out of it to /etc/reconciled/env/web.env: API_TOKEN

Not carried:
  worker: stdout_syslog=true (supervisord.conf:15): logs go to files
  worker: rlimit_as: supervisord ignores it

Refused:
/etc/systemd/system/bad.service:1:1: cannot import bad.service: it is a shell script
  1 | #!/bin/sh
    | ^^
  write a unit that runs it

Not looked at:
  /var/spool/cron/crontabs: permission denied

2 enabled units of packages are left to them (cron.service, ssh.service): --all, or --units NAME,
imports them by their state.

Imported 2 of 3, 1 without loss (33.3 %), 2 keys not carried, 1 refused, 1 there already.
`);
  });

  it('a dry run shows the files too, but no secret', () => {
    const text = importText({ ...REPORT, written: false }, { style, width: 100 });
    expect(text).toContain('--- services/web.yaml\n    supervisor: systemd\n');
    expect(text).toContain('Would import 2 of 3');
  });

  it('programs are told the same', () => {
    expect(importJson(REPORT)).toMatchObject({
      written: true,
      counts: { found: 4, imported: 2, withoutLoss: 1, keysLost: 2, refused: 1, there: 1, percent: 33.3 },
      refused: [{ code: 'not-a-unit', file: '/etc/systemd/system/bad.service', line: 1 }],
      services: [
        { name: 'web' },
        { name: 'worker', losses: [{ key: 'stdout_syslog' }, { key: 'rlimit_as', value: null }] },
      ],
      files: [{ path: '/etc/reconciled/env/web.env', text: null, keys: ['API_TOKEN'] }, {}, {}],
    });
  });

  it('100 % is all of them, and nothing found is said', () => {
    const [web] = REPORT.services;
    if (web === undefined) throw new Error('no service');
    const only: ImportReport = {
      ...REPORT,
      services: [web],
      refused: [],
      there: [],
      files: [],
      packaged: [],
      unread: [],
    };
    expect(importText(only, { style, width: 100 })).toMatch(/\nImported 1 of 1, all without loss \(100 %\)\.\n$/);
    expect(
      countsOf({
        ...only,
        services: Array.from({ length: 2000 }, (_, i) => (i === 0 ? (REPORT.services[1] ?? web) : web)),
      }).percent,
    ).toBe(99.9);
    expect(importText({ ...only, services: [] }, { style, width: 100 })).toBe('Nothing to import was found.\n');
  });

  it('nothing as lost that had no effect before', () => {
    const [, worker] = REPORT.services;
    if (worker === undefined) throw new Error('no worker');
    const [syslog, limit] = worker.losses.map((loss) => ({ ...loss, noEffect: true as const }));
    if (syslog === undefined || limit === undefined) throw new Error('no losses');
    const of = (...losses: typeof worker.losses) => ({
      ...REPORT,
      services: [{ ...worker, losses }],
      refused: [],
      there: [],
    });
    const idle = of(limit);
    expect(importText(idle, { style, width: 100 })).toContain(
      'all without loss (100 %), 1 key not carried (without any effect before).',
    );
    expect(importJson(idle)).toMatchObject({ services: [{ losses: [{ hadEffect: false }] }], counts: { keysIdle: 1 } });
    const some = of(...worker.losses.slice(0, 1), limit);
    expect(importText(some, { style, width: 100 })).toContain(
      '0 without loss (0 %), 2 keys not carried (1 without any effect before).',
    );
  });
});
