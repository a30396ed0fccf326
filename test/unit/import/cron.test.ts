import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeProcesses } from '../../../src/graph/processes.ts';
import { importCron } from '../../../src/import/cron.ts';
import type { Found, Imported } from '../../../src/import/found.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-cron-'));
  mkdirSync(join(folder, 'cron.d'));
  mkdirSync(join(folder, 'spool'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(files: Readonly<Record<string, string>>): readonly Found[] {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const places = {
    files: [join(folder, 'crontab')],
    folders: [join(folder, 'cron.d')],
    spools: [join(folder, 'spool')],
  };
  const { found, unreadable } = importCron({ supervisor: 'builtin', processes: takeProcesses(), places });
  expect(unreadable).toEqual([]);
  return found;
}

const imported = (found: Found | undefined): Imported => {
  if (found?.kind !== 'imported') throw new Error(JSON.stringify(found));
  return found;
};

it('only @reboot lines start something that stays', () => {
  const found = read({
    crontab: '# @reboot root /opt/no\n17 * * * * root /opt/hourly\n\t@reboot root /opt/app/bridge.py --port 1\n',
  });
  expect(found).toHaveLength(1);
  const { name, service, origin } = imported(found[0]);
  expect(name).toBe('bridge');
  expect(service).toEqual({
    supervisor: 'builtin',
    state: 'running',
    command: ['/opt/app/bridge.py', '--port', '1'],
    directory: '/root',
    restart: { policy: 'never' },
    supersedes: [{ cron: '@reboot root /opt/app/bridge.py --port 1' }],
  });
  expect(origin).toMatchObject({ kind: 'cron', at: { file: join(folder, 'crontab'), line: 3 } });
});

it('what a crontab sets for its lines is theirs, secrets apart, and only what stands before counts', () => {
  const found = read({
    'cron.d/app': [
      'SHELL=/bin/bash',
      'MAILTO="ops@example.org"',
      'PATH = /opt/bin:/usr/bin:/bin',
      "API_TOKEN='s3cr3t'",
      '@reboot root A=1 cd /srv && ./run',
      '@reboot root cd srv && MODE=fast ./run >> run.log 2>&1 &',
      'LATE=1',
    ].join('\n'),
  });
  const [shell, plain] = found.map(imported);
  expect(shell?.service.command).toEqual(['/bin/bash', '-c', 'A=1 cd /srv && ./run']);
  expect(plain?.service).toMatchObject({
    command: ['./run'],
    directory: '/root/srv',
    environment: { PATH: '/opt/bin:/usr/bin:/bin', MODE: 'fast' },
    logs: { stdout: 'run.log', stderr: 'run.log' },
  });
  expect(plain?.secrets).toEqual({ API_TOKEN: 's3cr3t' });
  expect(plain?.losses.map(({ key }) => key)).toEqual(['MAILTO']);
  expect(JSON.stringify(plain?.service)).not.toContain('s3cr3t');
});

it("a user's own crontab names no user, and its lines run in the home folder, found in cron's PATH", () => {
  const { username } = userInfo();
  const [found] = read({ [`spool/${username}`]: '@reboot sleep 1 % this is read by it\n' });
  const { service } = imported(found);
  expect(service.command).toEqual(['/usr/bin/sleep', '1']);
  expect(service.directory).toBe(userInfo().homedir);
  expect(imported(found).losses).toMatchObject([{ key: '%', value: '% this is read by it' }]);
});

it.each([
  ['@reboot root systemctl start web', 'starts something else and ends'],
  ['@reboot root /etc/init.d/web start', 'an init script'],
  ['@reboot root screen -dm /opt/x', 'screen'],
  ['@reboot nosuchuser /opt/x', "there is no user 'nosuchuser'"],
])('%s is refused, and says where and why', (line, why) => {
  const [found] = read({ crontab: `\n${line}\n@reboot root /opt/good\n` });
  expect(found).toMatchObject({ kind: 'refused', problem: { at: { line: 2, excerpt: line } } });
  expect(found?.kind === 'refused' && found.problem.summary).toContain(why);
});
