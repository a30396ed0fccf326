import fc from 'fast-check';
import { expect, it } from 'vitest';
import { importUnitText } from '../../../../src/import/unit.ts';
import { BASE_PATH } from '../../../../src/supervisors/shared/environment.ts';
import { define } from '../../../../src/supervisors/systemd/define.ts';
import { serviceOf } from '../../../system/import/service.ts';
import { OPTIONS } from '../../supervisors/systemd/make.ts';
import { effective } from './effective.ts';

const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);
const RUNS = process.env.RECONCILED_LONG === '1' ? 20_000 : 300;

const time = fc.constantFrom('5', '90s', '1min 30s', '2m', '100ms', '250us', 'infinity', '0.5s', '1h');
const limit = fc.constantFrom('1024', '64K', '1G', 'infinity', '1024:4096', '0', '2');
const word = fc.constantFrom(
  'a',
  '"b c"',
  "'d'",
  '%i',
  '%%',
  '$A',
  '$$',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: systemd is to fill that in
  '${B}',
  '\\x41',
  ';',
  '-x',
  '--y=z',
  '"\\"q"',
);
const command = fc
  .tuple(
    fc.constantFrom('', '-', '@', '+', '!', ':', '-:'),
    fc.constantFrom('/bin/a', '/usr/bin/b', 'c'),
    fc.array(word, { maxLength: 4 }),
  )
  .map(([signs, program, args]) => [signs + program, ...args].join(' '));
const assignment = fc.constantFrom(
  'A=1',
  '"B=2 3"',
  "'C=%h'",
  'D=',
  'A=4',
  'PATH=/opt/bin',
  '"E=a\\nb"',
  'F=%%',
  'G=$A',
);
const file = fc.constantFrom('/etc/a', '-/etc/b', '/etc/*.env', '/etc/c', '/etc/%n', '/etc//d');
const some = (...keys: readonly (readonly [key: string, value: fc.Arbitrary<string>])[]) =>
  fc.oneof(
    ...keys.map(([key, value]) =>
      fc
        .oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: fc.constant('') })
        .map((text) => [key, text] as const),
    ),
  );

const LISTS = some(
  ['Service Environment', fc.array(assignment, { minLength: 1, maxLength: 3 }).map((all) => all.join(' '))],
  ['Service EnvironmentFile', file],
  ['Service ExecStartPre', command],
  ['Service ExecReload', command],
  ['Service ExecStopPost', command],
  ['Unit Description', fc.constantFrom('a b', 'of %i', '100%%', 'x\\y')],
  ['Unit After', fc.constantFrom('a.service', 'b.service c.target')],
  ['Unit ConditionPathExists', fc.constantFrom('/a', '|!/b')],
  ['Service User', fc.constantFrom('www', 'Debian-exim', '%i', '0')],
  ['Service Group', fc.constantFrom('adm', '%p', '4')],
  ['Service WorkingDirectory', fc.constantFrom('/srv', '-/srv', '~', '/srv/', '/a/../b', '%h/x')],
  ['Service RestartForceExitStatus', fc.constantFrom('1 SIGKILL', '7')],
  ['Service RestartPreventExitStatus', fc.constantFrom('1 2', 'SIGKILL', '3', '0')],
  ['Install WantedBy', fc.constantFrom('multi-user.target', 'graphical.target', 'a.target b.target')],
);
const VALUES = fc.oneof(
  ...(
    [
      ['Service TimeoutSec', time],
      ['Service TimeoutStartSec', time],
      ['Service TimeoutStopSec', time],
      ['Service RestartSec', time],
      ['Unit StartLimitIntervalSec', time],
      ['Unit StartLimitInterval', time],
      ['Unit StartLimitBurst', fc.constantFrom('0', '1', '2', '10')],
      ['Service UMask', fc.constantFrom('0022', '77', '0', '022')],
      ['Service KillSignal', fc.constantFrom('SIGTERM', 'INT', 'SIGWINCH', 'QUIT')],
      ['Service KillMode', fc.constantFrom('process', 'mixed', 'control-group', 'none')],
      ['Service Restart', fc.constantFrom('no', 'always', 'on-failure', 'on-abnormal', 'on-abort', 'on-success')],
      ['Service Type', fc.constantFrom('simple', 'exec', 'forking', 'notify', 'idle')],
      ['Service BusName', fc.constantFrom('a.b')],
      ['Service LimitNOFILE', limit],
      ['Service LimitCORE', limit],
      ['Service LimitNPROC', limit],
      ['Service StandardOutput', fc.constantFrom('append:/var/log/a', 'file:/x', 'journal', 'append:%h/x', 'null')],
      ['Service StandardError', fc.constantFrom('append:/var/log/b', 'inherit', 'journal')],
      ['Service NoSuchThing', fc.constantFrom('x')],
      ['Service SyslogIdentifier', fc.constantFrom('%N', 'own')],
    ] as const
  ).map(([key, value]) => value.map((text) => [key, text] as const)),
);

const unit = fc
  .record({ start: command, lines: fc.array(fc.oneof(LISTS, VALUES), { maxLength: 25 }) })
  .map(({ start, lines }) =>
    [['Service ExecStart', start] as const, ...lines]
      .map(([name, value]) => {
        const [section, key] = name.split(' ');
        return `[${section}]\n${key}=${value}\n`;
      })
      .join(''),
  );

it(`means the same to systemd when it is written again (seed ${SEED})`, () => {
  fc.assert(
    fc.property(unit, fc.constantFrom('system' as const, 'user' as const), (text, manager) => {
      const found = importUnitText('web.service', text, { manager });
      fc.pre(found.kind === 'imported');
      if (found.kind !== 'imported') return;
      expect(found.losses).toEqual([]);
      expect(found.secrets).toEqual({});
      const defined = define(serviceOf(found), { ...OPTIONS, manager });
      if (!('files' in defined)) throw new Error(JSON.stringify(defined));
      const ours = effective(defined.files?.[0]?.text ?? '');
      const theirs = effective(text);
      expect(plain(ours)).toEqual(plain(theirs));
    }),
    { seed: SEED, numRuns: RUNS },
  );
}, 600_000);

const ADDED: ReadonlySet<string> = new Set(['LANG=C.UTF-8', `PATH=${BASE_PATH}`]);

/** Without what every service of ours has, and the name that one goes by without a description. */
function plain(all: ReadonlyMap<string, readonly string[]>): object {
  const kept = (name: string, value: string) =>
    !ADDED.has(value) && !/^RECONCILED_/.test(value) && !(name === 'Unit.Description' && value === 'web.service');
  return Object.fromEntries(
    [...all].flatMap(([name, values]) => {
      const own = values.filter((value) => kept(name, value));
      return own.length === 0 ? [] : [[name, own]];
    }),
  );
}
