import { chmodSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clock, isBefore, judgeFiles, judgeSync } from '../../../src/doctor/clock.ts';
import { desiredState } from '../../../src/doctor/desired-state.ts';
import { examine } from '../../../src/doctor/examine.ts';
import { type Finding, ok } from '../../../src/doctor/finding.ts';
import { folders } from '../../../src/doctor/folders.ts';
import { judgeHidepid, judgeLinger } from '../../../src/doctor/session.ts';
import { filesBeside, settings } from '../../../src/doctor/settings.ts';
import { space, spaceFindings } from '../../../src/doctor/space.ts';
import { nodeFindings, programFindings, tool } from '../../../src/doctor/tool.ts';
import { ownSchemas } from '../../../src/init/schemas.ts';
import { Failure } from '../../../src/problem.ts';
import { brief, isRoot, Setup, troubles } from './rig.ts';

let here: Setup;
beforeEach(() => {
  here = new Setup();
});
afterEach(() => here[Symbol.dispose]());

describe('an examination', () => {
  const check = (topic: string, look: () => Promise<readonly Finding[]>) => ({ topic, look });

  it('looks at all at once, bounds each, and is not ended by one that fails', async () => {
    const stopped = Promise.withResolvers<void>();
    const checks = [
      check('well', async () => [ok('a', 'fine')]),
      {
        topic: 'slow',
        look: (_: unknown, signal: AbortSignal) =>
          new Promise<never>(() => signal.addEventListener('abort', () => stopped.resolve())),
      },
      check('system', async () => {
        throw Object.assign(new Error('x'), { code: 'EACCES' });
      }),
      check('ours', async () => {
        throw new Failure({ code: 'a', summary: 'cannot do it' });
      }),
    ];
    const { topics } = await examine(checks, here.means(), 50);
    await stopped.promise;
    expect(topics.map(({ topic, findings }) => [topic, ...brief(findings)])).toEqual([
      ['well', 'ok a: fine'],
      ['slow', 'warning slow-unknown: not known: it was not answered within 0.05s'],
      ['system', 'warning system-unknown: not known: permission denied'],
      ['ours', 'warning ours-unknown: not known: cannot do it'],
    ]);
  });
});

describe('the tool', () => {
  it('tells a Node that is too old', () => {
    expect(brief(nodeFindings('20.19.1', '/usr/bin/node'))).toEqual(['error node: Node 20.19.1 is too old']);
    expect(troubles(nodeFindings('22.22.0', '/n'))).toEqual([]);
  });

  it('tells each program that is missing, and what it is for', async () => {
    const missing = await here.ailing(tool, { environment: { PATH: here.folder } });
    expect(brief(missing)).toEqual(
      expect.arrayContaining([
        'error programs: there is no program `flock` (locks the runtime folder)',
        'warning programs: there is no program `fallocate` (rotates logs without losing a line)',
      ]),
    );
    expect(missing[0]?.mend).toEqual(['apt-get install dash']);
    here.service('web', 'supervisor: builtin\nuser: nobody\ncommand: [sleep, "9"]\nlimits: { openFiles: 100 }\n');
    const more = await here.ailing(tool, { environment: { PATH: here.folder } });
    expect(brief(more).join('\n')).toMatch(/`setpriv` .*\n.*`prlimit` /);
    expect(troubles(programFindings([], ''))).toEqual([]);
  });

  it.runIf(isRoot)('tells root of a PATH that depends on where he stands', async () => {
    const PATH = `${process.env.PATH}:.:`;
    const [found] = await here.ailing(tool, { environment: { PATH } });
    expect([found?.check, found?.evidence]).toEqual(['path', ['.', "''"]]);
  });
});

describe('settings', () => {
  it('tells of variables that are not ours, and of files that are not read', async () => {
    const environment = { RECONCILE_HOTS: 'a' };
    const [found] = await here.ailing(settings, { environment });
    expect(found).toMatchObject({
      check: 'unknown-variable',
      hint: 'did you mean RECONCILE_HOST?',
      mend: ['unset RECONCILE_HOTS'],
    });
    for (const name of ['reconcile.config.yaml', 'reconcile.config.json']) here.write(name, '{}');
    expect(brief(filesBeside(here.folder))).toEqual([
      'warning unused-file: reconcile.config.json is not read: reconcile.config.yaml is there too',
    ]);
  });

  it('tells of settings without effect, and of a group that is not there', async () => {
    const git = { url: 'https://git.example.org/a.git', poll: 60_000, sshKey: '/k', tokenFile: '/t' };
    const found = await here.ailing(settings, {
      environment: {},
      settings: { git, watch: { poll: 2000 }, readGroup: 'no-such-group' },
    });
    expect(brief(found)).toEqual([
      'warning unused-setting: git.sshKey has no effect: it is fetched by https',
      'warning unused-setting: watch.poll has no effect: files are watched where the desired state is a directory, and it is a repository',
      "error read-group: readGroup: there is no group 'no-such-group'",
    ]);
  });

  it('goes on where the configuration can not be read, and says so first', async () => {
    const unreadable = [{ code: 'unknown-key', summary: "x.yaml: unknown key 'gti'", hint: "did you mean 'git'?" }];
    const [found] = await here.ailing(settings, { environment: {}, unreadable });
    expect(found).toMatchObject({ grade: 'error', check: 'configuration', says: "x.yaml: unknown key 'gti'" });
  });
});

describe('folders', () => {
  it('are well as they are made, and where there is none yet', async () => {
    expect(await here.ailing(folders)).toEqual([]);
    const none = {
      runtimeDir: join(here.folder, 'a/b'),
      stateDir: join(here.folder, 'c'),
      logDir: join(here.folder, 'd'),
    };
    expect(await here.ailing(folders, { settings: none })).toEqual([]);
  });

  it('are told where others can write or look into them, or read the key', async () => {
    const { runtimeDir, stateDir, logDir } = here.config;
    chmodSync(runtimeDir, 0o777);
    chmodSync(stateDir, 0o755);
    chmodSync(logDir, 0o770);
    here.write('state/key', 'k', 0o644);
    const found = await here.ailing(folders);
    expect(brief(found)).toEqual([
      `error runtime-folder: others can write the runtime folder ${runtimeDir}, and so what is kept there`,
      `warning state-folder: others can look into the state folder ${stateDir}`,
      `error log-folder: others can write the log folder ${logDir}, and so what is kept there`,
      "error host-key: others can read this host's key, by which secrets are compared",
    ]);
    expect(found[0]?.mend).toEqual([`chmod go-w,o-rwx ${runtimeDir}`]);
    expect(found[0]?.evidence?.[0]).toContain('mode 0777');
  });

  it('are told where they are none, or can not be written', async () => {
    rmSync(here.config.stateDir, { recursive: true });
    here.write('state', '');
    rmSync(here.config.logDir, { recursive: true });
    symlinkSync('/proc/1/nothing', here.config.logDir);
    const found = brief(await here.ailing(folders)).join('\n');
    expect(found).toContain(`the state folder ${here.config.stateDir} is no folder`);
    expect(found).toContain(`cannot look at the log folder ${here.config.logDir}`);
    const nowhere = brief(await here.ailing(folders, { settings: { logDir: '/proc/1/logs' } })).join('\n');
    expect(nowhere).toContain(isRoot ? 'log folder' : 'cannot make the log folder /proc/1/logs');
  });

  it('are told where what was decided is gone after a boot', async () => {
    const stateDir = mkdtempSync('/dev/shm/reconciled-doctor-');
    try {
      const found = await here.ailing(folders, { settings: { stateDir } });
      expect(found.map(({ check }) => check)).toContain('state-in-memory');
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  });

  it('are told where others can write what says what runs', async () => {
    chmodSync(here.config.desiredState, 0o777);
    const found = (await here.ailing(folders)).find(({ check }) => check === 'source-safety');
    expect(found?.grade).toBe(isRoot ? 'error' : 'warning');
    expect(found?.mend?.[0]).toMatch(/^chown -R root .*&& chmod -R go-w |^chmod -R o-w /);
  });
});

describe('disk', () => {
  const room = { what: 'the log folder', path: '/var', size: 100e9, free: 50e9, inodes: 1e6, freeInodes: 5e5 };

  it('is told where little, or nothing is left', () => {
    expect(troubles(spaceFindings(room))).toEqual([]);
    expect(brief(spaceFindings({ ...room, free: 100e6 }))).toEqual([
      'warning disk-space: little room is left for the log folder',
    ]);
    // What is small and half empty is as somebody made it.
    expect(troubles(spaceFindings({ ...room, size: 150e6, free: 100e6 }))).toEqual([]);
    const [full, inodes] = spaceFindings({ ...room, free: 0, freeInodes: 3 });
    expect(full).toMatchObject({ grade: 'error', evidence: ['/var: 0B free of 100GB, 0%'] });
    expect(inodes).toMatchObject({ grade: 'error', check: 'disk-inodes', evidence: ['3 of 1000000 free'] });
    expect(troubles(spaceFindings({ ...room, inodes: 0, freeInodes: 0 }))).toEqual([]);
  });

  it('is asked of the file systems that there are', async () => {
    const found = await space.look(here.means(), new AbortController().signal);
    expect(brief(found)[0]).toMatch(/disk-space: .*state, log and runtime folders/);
  });
});

describe('the desired state', () => {
  it('is well, or none is there', async () => {
    expect(await here.ailing(desiredState)).toEqual([]);
    const none = { desiredState: join(here.folder, 'nowhere/desired-state') };
    const [found] = await here.ailing(desiredState, { settings: none });
    expect(found).toMatchObject({ grade: 'warning', mend: [`reconcile init ${here.folder}/nowhere`] });
  });

  it('is told to be invalid, with the first of its problems', async () => {
    here.service('web', 'supervisor: builtin\ncomand: [x]\n');
    const [found] = await here.ailing(desiredState);
    expect(found).toMatchObject({ grade: 'error', mend: ['reconcile validate'] });
    expect(found?.evidence?.[0]).toMatch(/^services\/web.yaml:2:1: unknown key 'comand'/);
  });

  it('is told to have schemas of another version beside it', async () => {
    for (const { name, text } of ownSchemas()) here.write(`schemas/${name}`, text);
    expect(await here.ailing(desiredState)).toEqual([]);
    here.write('schemas/host.schema.json', '{}');
    const [found] = await here.ailing(desiredState);
    expect(found).toMatchObject({
      check: 'schemas',
      evidence: ['host.schema.json'],
      mend: [`reconcile init --schemas ${here.folder}`],
    });
  });
});

describe('the clock', () => {
  it('is told where nobody keeps it right, by what timedatectl says', () => {
    expect(troubles(judgeSync({ NTPSynchronized: 'yes', NTP: 'yes' }))).toEqual([]);
    expect(troubles(judgeSync(undefined))).toEqual([]);
    expect(judgeSync({ NTPSynchronized: 'no', NTP: 'no', CanNTP: 'yes' })[0]?.mend).toEqual([
      'timedatectl set-ntp true',
    ]);
    expect(judgeSync({ NTPSynchronized: 'no', NTP: 'no', CanNTP: 'no' })[0]?.mend).toEqual([
      'apt-get install systemd-timesyncd',
    ]);
    expect(judgeSync({ NTPSynchronized: 'yes', LocalRTC: 'yes' })[0]?.check).toBe('clock-zone');
  });

  it('is told to have been set back, by a file of ours from the future', async () => {
    const path = here.write('state/decisions/holds.json', '[]');
    const then = Date.now() / 1000 + 7200;
    utimesSync(path, then, then);
    const found = (await here.ailing(clock)).filter(({ check }) => check === 'clock-files');
    expect(found[0]?.says).toMatch(/set back: a file of ours is from (2h|1h59m\d+s) in the future/);
    expect(found[0]?.evidence?.[0]).toContain(path);
    expect(troubles(judgeFiles([{ path, at: 1000 }], 2000))).toEqual([]);
  });

  it('is told to be behind, by when this was made', () => {
    expect(isBefore(5_000_000, 4_000_000)).toEqual([]);
    expect(brief(isBefore(1000, 4_000_000))[0]).toContain('the clock is behind');
  });
});

describe('the user', () => {
  it('is told to linger where services would end with a session', () => {
    const who = { name: 'ann', lingers: false, units: false, kills: false };
    expect(troubles(judgeLinger(who))).toEqual([]);
    expect(troubles(judgeLinger({ ...who, lingers: true, units: true }))).toEqual([]);
    for (const more of [{ units: true }, { kills: true }])
      expect(judgeLinger({ ...who, ...more })[0]).toMatchObject({
        grade: 'warning',
        mend: ['loginctl enable-linger ann'],
      });
  });

  it('is told where /proc hides the processes of others', () => {
    const mount = (options: string) => `22 1 0:21 / /proc rw,relatime shared:5 - proc proc rw${options}\n`;
    expect(troubles(judgeHidepid(mount(''), 1000, []))).toEqual([]);
    expect(troubles(judgeHidepid(mount(',hidepid=2'), 0, []))).toEqual([]);
    expect(troubles(judgeHidepid(mount(',gid=50,hidepid=invisible'), 1000, [50]))).toEqual([]);
    expect(judgeHidepid(mount(',hidepid=2'), 1000, [])[0]).toMatchObject({
      grade: 'warning',
      mend: ['mount -o remount,hidepid=0 /proc'],
    });
    expect(judgeHidepid(mount(',gid=50,hidepid=2'), 1000, [7])[0]?.mend?.[0]).toContain('usermod -aG');
  });
});
