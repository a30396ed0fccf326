import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { foundIn, told } from './programs-import.ts';

const supervisorIn = (text: string) => foundIn(`${text}\n[program:a]\ncommand=x\n`).supervisor;

/** Where no systemd would start it at boot, the embedded supervisor runs it. */
const BOOT = existsSync('/run/systemd/system') ? {} : { boot: 'none' };

it('says what is said of a supervisord', () => {
  const found = supervisorIn(`[supervisord]
user=nobody
minfds=4096
minprocs=0
logfile=/dev/null
logfile_maxbytes=10MB
logfile_backups=2
loglevel=WARN
[unix_http_server]
file=/tmp/x.sock
chmod=0770
chown=root:root`);
  expect(found?.supervisor).toEqual({
    config: expect.stringMatching(/\/reconciled\/supervisord-x\.conf$/),
    socket: { mode: '0770', owner: 'root:root' },
    log: { path: '/dev/null', maxSize: '10MiB', keep: 2, level: 'warn' },
    user: 'nobody',
    minfds: 4096,
    ...BOOT,
  });
  expect(found?.losses.map(told)).toEqual([
    '4: minprocs=0 because it is out of range',
    '10: file=/tmp/x.sock because the one that is there listens on it, and ours has one of its own',
  ]);
});

it('says only where it is where nothing is said', () => {
  expect(Object.keys(supervisorIn('[supervisord]\nuser=root')?.supervisor ?? {})).toEqual([
    'config',
    ...Object.keys(BOOT),
  ]);
});

it('tells what ours does not have, and no password', () => {
  const found = supervisorIn(`[supervisord]
strip_ansi=true
[inet_http_server]
port=9001
username=u
password=hunter22
[watchdog]
x=1
[rpcinterface:twiddler]
supervisor.rpcinterface_factory=x:y`);
  expect(found?.losses.map(told)).toEqual([
    '2: strip_ansi=true because logs are kept as they are written: colours of programs stay in them',
    '4: port=9001 because ours listens on its socket alone',
    '5: username=u because ours listens on its socket alone',
    '6: password=*** because ours listens on its socket alone',
    '10: supervisor.rpcinterface_factory=x:y because ours has no other interfaces',
    '7: [watchdog] because supervisord ignores the section',
  ]);
});

it('tells what is said for all sections to none', () => {
  expect(supervisorIn('[DEFAULT]\nrlimit_as=2GB\n[supervisord]')?.losses.map(told)).toEqual([
    '2: rlimit_as=2GB because it never had an effect: supervisord knows no such option and ignores it (limits.addressSpace: 2GiB would set it)',
  ]);
});
