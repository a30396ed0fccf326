import { expect, it } from 'vitest';
import { self } from '../../../../src/host/users.ts';
import { mainConfig, readMainConfig } from '../../../../src/supervisors/supervisord/main-config.ts';
import { INSTANCE, OTHERS, OWNED } from './make.ts';

it('is the whole configuration of an instance, and says whose it is', () => {
  const { path, text } = mainConfig(INSTANCE, 'default');
  expect(path).toBe('/etc/main/supervisord.conf');
  expect(
    text.slice(0, text.lastIndexOf('; Digest=')),
  ).toBe(`; Written by reconciled for the supervisord main of owner default.
; Changes made here by hand are drift: change the desired state instead.

[supervisord]
logfile=/var/log/main/supervisord.log
logfile_maxbytes=50000000
logfile_backups=10
loglevel=info
pidfile=/run/main/supervisord.pid
nocleanup=true
minfds=1024
minprocs=200
${self().uid === 0 ? 'user=root\n' : ''}
[unix_http_server]
file=/run/main/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix:///run/main/supervisor.sock

[include]
files=/etc/main/conf.d/*.conf

; [X-Reconciled]
; Owner=default
; Instance=main
`);
  expect(readMainConfig(text)).toEqual({ owner: 'default', name: 'main', edited: false });
  expect(readMainConfig(text.replace('info', 'debug'))).toEqual({ owner: 'default', name: 'main', edited: true });
  expect(readMainConfig(text.slice(0, text.indexOf('; [X-')))).toBeUndefined();
});

it('includes a folder whatever its name is, and gives the socket to whom it is for', () => {
  const socket = { path: '/run/x.sock', mode: 0o770, owner: 'root:adm' };
  const include = '/etc/a [b]*% ;c';
  const { text } = mainConfig({ ...INSTANCE, include, owned: { ...OWNED, socket, user: 'app' } }, 'default');
  expect(text).toContain('\nfiles=/etc/a?[[]b][*]%%?;c/*.conf\n');
  expect(text).toContain('\nchmod=0770\nchown=root:adm\n');
  expect(text).not.toMatch(/^user=/m);
});

it('is never made for an instance of others', () => {
  expect(() => mainConfig(OTHERS, 'default')).toThrow('not ours');
});
