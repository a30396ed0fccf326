import { describe, expect, it } from 'vitest';
import type { Monitor, RunAs } from '../../../src/health/health.ts';
import { runs } from '../../../src/supervisors/builtin/scan.ts';
import { isShim, shimArguments } from '../../../src/supervisors/builtin/shim.ts';
import { parseFile } from '../../../src/supervisors/shared/environment.ts';
import { exitOf, exitText } from '../../../src/supervisors/shared/exit.ts';
import { watchHealth } from '../../../src/supervisors/shared/probing.ts';
import { settingsOf } from '../../../src/supervisors/shared/settings.ts';

describe('what a shell reports', () => {
  it.each([
    [0, 'exit code 0'],
    [3, 'exit code 3'],
    [127, 'exit code 127 (the command was not found)'],
    [137, 'killed by SIGKILL'],
    [143, 'killed by SIGTERM'],
    [255, 'exit code 255'],
  ])('%i is %s', (status, text) => {
    expect(exitText(exitOf(status))).toBe(text);
  });
});

describe('an environment file', () => {
  it('has one variable a line, quotes taken off, everything else as it stands', () => {
    const text = [
      '# comment',
      '',
      'A=1',
      ' B = no',
      'C= spaced ',
      'export D="q=\'x\'"',
      "E='$HOME'",
      'F="open',
      'G=',
      '9=no',
      'H=a#b',
    ].join('\r\n');
    expect(parseFile(text)).toEqual({ A: '1', C: 'spaced', D: "q='x'", E: '$HOME', F: '"open', G: '', H: 'a#b' });
  });
});

describe('a probe', () => {
  it('is run with the environment of its service, and knows which instance it is about', () => {
    const seen = new Map<string, RunAs>();
    const monitor = { watch: (id: string, _: unknown, as: RunAs) => void seen.set(id, as) } as unknown as Monitor;
    const health = [{ name: 'ok', exec: { command: ['/bin/true'] } }];
    for (const id of ['web', 'web@2'])
      watchHealth(monitor, id, settingsOf(id, { health, 'environment.A': '1' }, '/logs'), undefined, () => undefined);
    const told = [...seen].map(([id, { environment }]) => [id, environment.A, environment.RECONCILED_INSTANCE]);
    expect(told).toEqual([
      ['web', '1', undefined],
      ['web@2', '1', '2'],
    ]);
  });
});

describe('a command line', () => {
  it.each([
    [['sleep', '10'], ['sleep', '10'], true],
    [['sleep', '11'], ['sleep', '10'], false],
    [['sleep'], ['sleep', '10'], false],
    [['node', '/opt/x.js', 'a'], ['/opt/x.js', 'a'], true],
    [['/bin/sh', './run.sh'], ['./run.sh'], true],
    [['/bin/sh', '/srv/run.sh'], ['./run.sh'], true],
    [['/bin/sh', '/srv/overrun.sh'], ['./run.sh'], false],
    [['vim', '/opt/x.js', 'b'], ['/opt/x.js', 'a'], false],
    [['sudo', 'sleep', '10'], ['sleep', '10'], false],
    [[], ['sleep'], false],
  ])('%j is that of %j: %s', (line, command, expected) => {
    expect(runs(line, command)).toBe(expected);
  });

  it('of a shim is never that of its command, and always known as one', () => {
    const more = { openFiles: 1024, oomScore: '', gated: false };
    const options = { umask: '022', ...more, environment: {}, command: ['sleep', '10'] };
    const line = ['/bin/sh', ...shimArguments('/run/x', options)];
    expect(isShim(line)).toBe(true);
    expect(runs(line, ['sleep', '10'])).toBe(false);
    expect(isShim(['sh', '-c', 'exit'])).toBe(false);
  });
});

describe('settings', () => {
  it('have the documented defaults', () => {
    expect(settingsOf('web', { command: ['x'] }, '/var/log/reconciled')).toEqual({
      command: ['x'],
      directory: '/',
      user: undefined,
      group: undefined,
      umask: '022',
      environment: {},
      environmentFiles: [],
      grace: 0,
      limits: {},
      logs: {
        stdout: '/var/log/reconciled/web.log',
        stderr: '/var/log/reconciled/web-error.log',
        maxSize: 50_000_000,
        keep: 10,
        written: false,
      },
      stop: { signal: 'SIGTERM', tree: true },
      startTimeout: 60_000,
      rules: {
        ready: 1000,
        retries: 3,
        stopTimeout: 10_000,
        policy: 'always',
        backoff: { initial: 1000, factor: 2, max: 300_000 },
        limit: { restarts: 5, within: 600_000 },
        cooldown: 300_000,
        permanent: [],
      },
      probes: [],
    });
  });

  it('give each instance a log of its own', () => {
    const logs = (id: string, stdout: string) =>
      settingsOf(id, { directory: '/srv', 'logs.stdout': stdout }, '/var/log').logs.stdout;
    expect(logs('web', 'a.log')).toBe('/srv/a.log');
    expect(logs('web@2', 'a.log')).toBe('/srv/a-2.log');
    expect(logs('web@2', '/x.y/a')).toBe('/x.y/a-2');
    expect(logs('web@2', '/dev/null')).toBe('/dev/null');
  });
});
