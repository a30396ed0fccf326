import { describe, expect, it } from 'vitest';
import { ignoredKeys } from '../../../../src/supervisors/supervisord/ignored.ts';
import { readNamed, readText } from './lay-out.ts';

const told = (config: ReturnType<typeof readText>) =>
  ignoredKeys(config).map(({ code, at, summary, hint }) => {
    expect(code).toBe('ignored-key');
    return `${at?.file.split('/').at(-1)}:${at?.line}: ${summary}${hint === undefined ? '' : ` - ${hint}`}`;
  });

describe('what supervisord ignores without a word', () => {
  it('is told with what is right', () => {
    expect(told(readNamed('migration-report.conf'))).toEqual([
      "supervisord.conf:19: supervisord ignores 'rlimit_as' without a word: the limit is not set - limits.addressSpace: 2GiB in the service",
      "supervisord.conf:27: supervisord ignores 'restrat' without a word - did you mean autorestart?",
    ]);
  });

  it.each([
    [
      'rlimit_nofile=65536',
      "ignores 'rlimit_nofile' without a word: the limit is not set - limits.openFiles: 65536 in the service",
    ],
    [
      'ulimit_core=unlimited',
      "ignores 'ulimit_core' without a word: the limit is not set - limits.core: … in the service",
    ],
    [
      'limit_nproc=%(ENV_N)s',
      "ignores 'limit_nproc' without a word: the limit is not set - limits.processes: … in the service",
    ],
    ['Start_Secs=5', "ignores 'start_secs' without a word - did you mean startsecs?"],
    ['events=TICK_5', "ignores 'events' without a word"],
    ['programs=a,b', "ignores 'programs' without a word"],
  ])('%s', (line, text) => {
    const [first, ...more] = told(readText(`[supervisord]\n[program:a]\ncommand=x\n${line}\n`));
    expect(first).toContain(`supervisord.conf:4: supervisord ${text}`);
    expect(more).toEqual([]);
  });

  it('may be a section, or an [include] that is included itself', () => {
    expect(told(readText('[supervisord]\n[progam:a]\ncommand=x\n[watchdog]\nx=1\n[unix_htp_server]\n'))).toEqual([
      'supervisord.conf:2: supervisord ignores the section [progam:a] without a word - did you mean [program:a]?',
      'supervisord.conf:4: supervisord ignores the section [watchdog] without a word',
      'supervisord.conf:6: supervisord ignores the section [unix_htp_server] without a word - did you mean [unix_http_server]?',
    ]);
    const included = told(readNamed('include-many.conf'));
    expect(included).toEqual([
      expect.stringContaining(
        '10-a.conf:4: supervisord ignores an [include] in a file that is included without a word',
      ),
    ]);
  });

  it('is nothing in what is well', () => {
    for (const name of [
      'debian.conf',
      'sample.conf',
      'eventlistener.conf',
      'fcgi.conf',
      'default-section.conf',
      'syslog.conf',
      'inet.conf',
    ]) {
      expect([name, ...told(readNamed(name))]).toEqual([name]);
    }
  });

  it('may be a default that no section takes', () => {
    expect(told(readText('[DEFAULT]\nautorestrat=true\nstartsecs=1\n[supervisord]\n[program:a]\ncommand=x\n'))).toEqual(
      ["supervisord.conf:2: supervisord ignores 'autorestrat' without a word - did you mean autorestart?"],
    );
  });

  it('is not what an rpcinterface is given', () => {
    expect(
      told(readText('[supervisord]\n[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\nanything=1\n')),
    ).toEqual([]);
  });
});
