import { describe, expect, it } from 'vitest';
import type { Definition } from '../../../../src/model.ts';
import { define } from '../../../../src/supervisors/systemd/define.ts';
import { OPTIONS, type RawLine, raw, refused, service, values } from './make.ts';

describe('raw lines', () => {
  it('stand as they are, behind ours, in their order', () => {
    const lines = raw(
      ['Service', 'Environment', 'A=1 "B=%H"'],
      ['Service', 'Type', 'notify'],
      ['Service', 'Environment', 'A=2'],
    );
    expect(values(service(lines), 'Type')).toEqual(['exec', 'notify']);
    expect(values(service(lines), 'Environment').slice(-2)).toEqual(['A=1 "B=%H"', 'A=2']);
    expect(values(service(raw(['Service', 'Nice', 'a\\\\'])), 'Nice')).toEqual(['a\\\\']);
    expect(values(service(raw(['Service', 'PrivateTmp', true], ['Service', 'Nice', -3])), 'PrivateTmp')).toEqual([
      'true',
    ]);
  });

  it('that daemon-reload applies are no reason to restart', () => {
    const hash = (...lines: RawLine[]) => {
      const defined = define(service(raw(...lines)), OPTIONS);
      return 'hash' in defined ? defined.hash : undefined;
    };
    const none = hash();
    for (const key of [
      'MemoryMax',
      'CPUQuota',
      'TasksMax',
      'RestartPreventExitStatus',
      'TimeoutStartSec',
      'ExecReload',
    ]) {
      expect([key, hash(['Service', key, '1'])]).toEqual([key, none]);
    }
    expect(hash(['Service', 'Nice', 5])).toBe(hash(['Service', 'Nice', '5']));
    expect(hash(['Unit', 'Wants', 'a.service'], ['Install', 'Alias', 'b.service'])).toBe(none);
    for (const key of ['Nice', 'PrivateTmp', 'ExecStartPre', 'Type', 'Slice', 'Unheard']) {
      expect([key, hash(['Service', key, '1']) === none]).toEqual([key, false]);
    }
  });

  it('are two fields, told apart by what a change does', () => {
    const lines = raw(['Service', 'MemoryMax', '1G'], ['Service', 'Nice', 5], ['Unit', 'Wants', 'a.service']);
    expect(define(service(lines), OPTIONS)).toMatchObject({
      fields: {
        'raw.systemd': [['Service', 'Nice', '5']],
        'raw.systemd.live': [
          ['Service', 'MemoryMax', '1G'],
          ['Unit', 'Wants', 'a.service'],
        ],
      },
    });
  });

  it.each([
    [['Socket', 'ListenStream', '80'], 'there is no section [Socket] for it'],
    [['X-Reconciled', 'Stamp', 'x'], 'there is no section [X-Reconciled] for it'],
    [['Service', 'A=B', 'x'], "'A=B' is no name of a directive"],
    [['Service', '#', 'x'], "'#' is no name of a directive"],
    [['Service', 'A\n', 'x'], "'A\n' is no name of a directive"],
    [['Service', 'Nice', '1\n[Unit]'], 'its value holds a line break'],
    [['Service', 'Nice', 'a\\'], 'its value ends in a backslash'],
    [['Service', 'Nice', '\uffff'], 'its value holds a code point that is no character'],
    [['Service', 'ExecStart', ''], 'ExecStart is what `command` says'],
    [['Service', 'Environment', ''], 'it would take away the environment that tells what runs'],
    [
      ['Service', 'Environment', 'A=1 RECONCILED_DEFINITION=x'],
      'its variables of the form RECONCILED_… tell what runs',
    ],
    [['Service', 'UnsetEnvironment', 'RECONCILED_INSTANCE'], 'its variables of the form RECONCILED_… tell what runs'],
    [['Service', 'Type', 'oneshot'], 'a job that ends cannot be kept running'],
  ] as const)('such as %j are refused', (line, why) => {
    expect(refused(service(raw(line)))).toEqual([`raw.systemd.0: ${why}`]);
  });

  it('may not contradict a field that is written', () => {
    const written = { user: 'a', stop: { timeout: '1s' }, limits: { openFiles: 5 }, description: 'x' };
    const lines = raw(
      ['Service', 'User', 'b'],
      ['Service', 'TimeoutStopSec', '2'],
      ['Service', 'LimitNOFILE', 6],
      ['Unit', 'Description', 'y'],
      ['Service', 'Group', 'c'],
      ['Service', 'LimitNPROC', 7],
    );
    expect(refused(service({ ...written, ...lines }))).toEqual([
      'raw.systemd.0: User is what `user` says already',
      'raw.systemd.1: TimeoutStopSec is what `stop.timeout` says already',
      'raw.systemd.2: LimitNOFILE is what `limits.openFiles` says already',
      'raw.systemd.3: Description is what `description` says already',
    ]);
    expect(refused(service({ user: 'a:b', ...raw(['Service', 'Group', 'c']) }))).toHaveLength(1);
    expect(refused(service(lines))).toEqual([]);
  });

  it('of [Install] are refused for a unit of others, and its command may be another', () => {
    const of = (...lines: RawLine[]) => refused(service({ unit: 'nginx.service', ...raw(...lines) }));
    expect(of(['Install', 'WantedBy', 'x.target'])).toEqual([
      'raw.systemd.0: systemd takes no [Install] lines for a unit of others',
    ]);
    expect(of(['Service', 'ExecStart', ''], ['Service', 'ExecStart', '/bin/x'])).toEqual([]);
  });

  it('may say what runs in place of a command', () => {
    const { command, ...written } = service({}).written;
    const lines = raw(['Service', 'ExecStart', '-/bin/a $B ; /bin/c'], ['Service', 'ExecStart', '/bin/d %n']);
    const without = { ...service({}), written: { ...written, ...lines } };
    expect(values(without, 'ExecStart')).toEqual(['-/bin/a $B ; /bin/c', '/bin/d %n']);
    const { hash } = define(without, OPTIONS) as Definition;
    const other = raw(['Service', 'ExecStart', '/bin/e']);
    expect(define({ ...without, written: { ...written, ...other } }, OPTIONS)).not.toMatchObject({ hash });
  });

  it('may make a job of what a timer starts', () => {
    const lines = raw(['Service', 'Type', 'oneshot']);
    expect(refused(service({ ...lines, state: 'manual' }, { state: 'manual' }))).toEqual([]);
  });
});
