import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cadenceOf, cadenceWords } from '../../../src/duels/cadence.ts';
import { findingsOf } from '../../../src/duels/evidence.ts';
import type { Subject, Witness } from '../../../src/duels/samples.ts';
import { AROUND, generations, job, samples, WEB, witness } from './make.ts';

const INIT_GONE: readonly Witness[] = [];
const DAEMON = witness(4711, 'python3 meta_health_daemon_v2.py');

describe('who keeps restarting a service', () => {
  it('names the program behind the command, how it was started, and how often', () => {
    const jobs = [2000, 4000, 6000, 8000].map((at) => job('systemctl restart web.service', at, at + 40, [DAEMON]));
    const all = generations(WEB, [0, 2030, 4030, 6030, 8030]);
    expect(findingsOf(samples(jobs, all), [WEB], AROUND)).toEqual([
      {
        subject: 'web.service',
        kind: 'restarted',
        times: [2010, 4010, 6010, 8010],
        cadence: { every: 2000, least: 2000, most: 2000 },
        certainty: 'seen',
        by: {
          pid: 4711,
          start: 47110,
          command: 'python3 meta_health_daemon_v2.py',
          user: 'root',
          started: { kind: 'hand' },
        },
        runs: 'systemctl restart web.service',
        evidence:
          'pid 4711 `python3 meta_health_daemon_v2.py` started by hand by root runs `systemctl restart web.service`: it was running each of the 4 times when the old process ended',
      },
    ]);
  });

  it('tells how it was started by its control group and its parents', () => {
    const how = (actor: Witness, ...above: readonly Witness[]) => {
      const jobs = [job('systemctl restart web', 2000, 2040, [actor, ...above])];
      const [finding] = findingsOf(samples(jobs, generations(WEB, [0, 2030])), [WEB], AROUND);
      return [finding?.by?.pid, finding?.evidence.split(' runs ')[0]];
    };
    const unit = (name: string) => ({ group: { kind: 'unit', unit: name, scope: 'system' } }) as const;
    expect(how(witness(7, 'watchdog', unit('watchdog.service')))).toEqual([
      7,
      'pid 7 `watchdog` of unit watchdog.service, as root,',
    ]);
    expect(
      how(
        witness(7, '/usr/bin/python3 guard.py', { program: 'guard:guard', ...unit('supervisor.service') }),
        witness(5, '/usr/bin/python3 /usr/bin/supervisord -n', unit('supervisor.service')),
      ),
    ).toEqual([7, 'pid 7 `/usr/bin/python3 guard.py` program guard:guard of supervisord (pid 5), as root,']);
    expect(
      how(witness(7, '/bin/sh /etc/check', unit('cron.service')), witness(5, 'cron -f', unit('cron.service'))),
    ).toEqual([7, 'pid 7 `/bin/sh /etc/check` run by cron as root']);
    expect(how(witness(7, 'guard', { uid: 1000, group: { kind: 'session', session: '3' } }))).toEqual([
      7,
      'pid 7 `guard` started by hand by uid 1000',
    ]);
  });

  it('passes over what exists for the command alone, and takes a shell of a person for no program', () => {
    const [bash, sshd] = [witness(50, '-bash'), witness(40, 'sshd: root@pts/0')];
    const sudo = witness(60, 'sudo systemctl restart web');
    const jobs = [
      job('sudo systemctl restart web', 2000, 2050, [bash, sshd], 60),
      job('systemctl restart web', 2005, 2045, [sudo, bash, sshd], 61),
    ];
    const found = findingsOf(samples(jobs, generations(WEB, [0, 2030])), [WEB], AROUND);
    expect(found).toMatchObject([{ by: { pid: 60, started: { kind: 'hand' } }, runs: 'systemctl restart web' }]);
  });

  it('calls it likely where the command had ended before, and nothing where that is long ago', () => {
    const early = (to: number) =>
      findingsOf(
        samples([job('systemctl --no-block restart web', 1000, to, [DAEMON])], generations(WEB, [0, 2030])),
        [WEB],
        AROUND,
      );
    expect(early(1900)).toMatchObject([{ certainty: 'likely', by: { pid: 4711 } }]);
    expect(early(1900)[0]?.evidence).toContain('once only its words and the time speak for it');
    const long = findingsOf(
      samples([job('systemctl --no-block restart web', 1000, 1005, [DAEMON])], generations(WEB, [0, 9030])),
      [WEB],
      AROUND,
    );
    expect(long.map(({ kind, certainty }) => `${kind} ${certainty}`)).toEqual(['restarted unknown', 'touched seen']);
  });

  it('is sure of nothing that is only somewhere in the text of a shell', () => {
    const argv = ['bash', '-c', 'while :; do kill 1000; sleep 2; done'];
    const loop = witness(70, 'x', { argv });
    const { deeds } = job('kill 1000', 0, 1);
    const text = { process: loop, deeds: deeds.map((deed) => ({ ...deed, inText: true })), parents: [], firstSeen: 0 };
    const [finding] = findingsOf(samples([{ ...text, lastSeen: 90_000 }], generations(WEB, [0, 2030])), [WEB], AROUND);
    expect(finding).toMatchObject({ certainty: 'likely', by: { pid: 70 } });
  });

  it('says that it is unknown who, and what is known', () => {
    const all = generations(WEB, [0, 2030, 4030]);
    const evidence = (after: number | undefined) => {
      const restarts = new Map(after === undefined ? [] : [['web.service', { before: 3, after }]]);
      const [finding] = findingsOf(samples([], all), [WEB], { ...AROUND, restarts });
      expect(finding).toMatchObject({ kind: 'restarted', certainty: 'unknown', times: [2010, 4010] });
      expect(finding?.by).toBe(undefined);
      return finding?.evidence ?? '';
    };
    expect(evidence(5)).toContain('systemd itself started it again (its own restart count grew by 2)');
    expect(evidence(5)).toContain('a program that only calls kill leaves no trace');
    expect(evidence(3)).toContain('its own restart count did not grow');
    expect(evidence(4)).toContain('started it again once');
    expect(evidence(undefined)).toContain('ended by itself, or was killed');
  });

  it('tells who ended it for good, who started it again, and what did nothing to it', () => {
    const stopped = samples([job('systemctl stop web', 2000, 2040, [DAEMON])], generations(WEB, [0], 2020));
    expect(findingsOf(stopped, [WEB], AROUND)).toMatchObject([{ kind: 'ended', certainty: 'seen', by: { pid: 4711 } }]);
    const started = samples([job('systemctl start web', 2000, 2040, [DAEMON])], generations(WEB, [2020]));
    expect(findingsOf(started, [WEB], AROUND)).toMatchObject([{ kind: 'started', certainty: 'seen' }]);
    const reloaded = samples([job('systemctl reload web', 2000, 2040, [DAEMON])], generations(WEB, [0]));
    expect(findingsOf(reloaded, [WEB], AROUND)).toMatchObject([{ kind: 'touched', certainty: 'seen' }]);
  });

  it('claims nothing of other services, nor of a calm one', () => {
    const jobs = [job('systemctl restart api', 2000, 2040, [DAEMON]), job('kill 999', 2000, 2010)];
    expect(findingsOf(samples(jobs, generations(WEB, [0])), [WEB], AROUND)).toEqual([]);
    const [finding] = findingsOf(samples(jobs, generations(WEB, [0, 2030])), [WEB], AROUND);
    expect(finding?.certainty).toBe('unknown');
  });

  it('knows programs by group, by name, by all, and never those of another supervisord', () => {
    const program: Subject = {
      name: 'program dolphin:web',
      handle: { kind: 'program', group: 'dolphin', program: 'web', config: '/etc/d.conf', server: 'unix:///run/d' },
    };
    const is = (text: string) => {
      const found = samples([job(text, 2000, 2040, [DAEMON])], generations(program, [0, 2030]));
      return findingsOf(found, [program], AROUND)[0]?.certainty;
    };
    for (const words of [
      'restart dolphin:web',
      'restart dolphin:*',
      'restart all',
      '-c /etc/d.conf restart dolphin:web',
    ])
      expect([words, is(`supervisorctl ${words}`)]).toEqual([words, 'seen']);
    for (const words of [
      'restart web',
      'restart other:*',
      '-c /etc/o.conf restart all',
      '-s unix:///run/o restart all',
    ])
      expect([words, is(`supervisorctl ${words}`)]).toEqual([words, 'unknown']);
  });

  it('knows that with the unit of a supervisord its programs are restarted', () => {
    const program: Subject = { name: 'web', handle: { kind: 'program', group: 'web', program: 'web' } };
    const group = { kind: 'unit', unit: 'supervisor.service', scope: 'system' } as const;
    const all = generations(program, [0, 2030]).map((one) => ({ ...one, process: { ...one.process, group } }));
    const is = (text: string) =>
      findingsOf(samples([job(text, 2000, 2040, [DAEMON])], all), [program], AROUND)[0]?.certainty;
    expect(is('systemctl restart supervisor')).toBe('seen');
    expect(is('systemctl restart other')).toBe('unknown');
  });

  it('shows no secrets of a command line', () => {
    const jobs = [job('supervisorctl -u me -p hunter2 restart web', 2000, 2040, [witness(9, 'x --password=hunter2')])];
    const program: Subject = { name: 'web', handle: { kind: 'program', group: 'web', program: 'web' } };
    const found = findingsOf(samples(jobs, generations(program, [0, 2030])), [program], AROUND);
    expect(found[0]?.certainty).toBe('seen');
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('names somebody only where a command named the service, whatever else there was', () => {
    const command = fc.constantFrom(
      'systemctl restart api',
      'systemctl status web',
      'kill 5',
      'supervisorctl restart web',
      'ls',
    );
    const times = fc.array(fc.record({ command, at: fc.nat(9000), took: fc.nat(3000) }), { maxLength: 8 });
    fc.assert(
      fc.property(times, fc.uniqueArray(fc.integer({ min: 100, max: 9000 }), { maxLength: 6 }), (all, begins) => {
        const jobs = all.map(({ command, at, took }, i) => job(command, at, at + took, INIT_GONE, i + 1));
        const found = findingsOf(
          samples(
            jobs,
            generations(
              WEB,
              begins.sort((a, b) => a - b),
            ),
          ),
          [WEB],
          AROUND,
        );
        expect(found.every(({ by, certainty }) => by === undefined && certainty === 'unknown')).toBe(true);
      }),
    );
  });
});

describe('a cadence', () => {
  it('is the median of the times between, and says how far they stray', () => {
    expect(cadenceOf([0, 2000])).toBe(undefined);
    expect(cadenceWords(cadenceOf([0, 2000, 4010]) ?? { every: 0, least: 0, most: 0 })).toBe('every 2.0 s');
    expect(cadenceWords(cadenceOf([0, 1000, 3000, 7000]) ?? { every: 0, least: 0, most: 0 })).toBe(
      'every 2.0 s (1.0 to 4.0)',
    );
  });
});
