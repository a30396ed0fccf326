import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenerProblems } from '../../../../src/supervisors/supervisord/safety.ts';
import { readNamed, readText, temporary } from './lay-out.ts';

const told = (listener: Parameters<typeof listenerProblems>[0]) =>
  listenerProblems(listener).map(({ code, summary, hint }) => {
    expect(code).toBe('insecure-socket');
    return `${summary} - ${hint}`;
  });

describe('a socket', () => {
  it('is safe where others cannot write it, also in a sticky folder, and for a group', () => {
    const folder = temporary();
    for (const mode of [0o700, 0o770, 0o755]) {
      expect(told({ kind: 'unix', path: join(folder, 's'), mode })).toEqual([]);
    }
    expect(told({ kind: 'unix', path: '/tmp/s.sock', mode: 0o700 })).toEqual([]);
    expect(told({ kind: 'unix', path: '/run/none/at/all.sock', mode: 0o700 })).toEqual([]);
  });

  it('is told where others can write it, at the place that says so', () => {
    const { listeners } = readNamed('migration-report.conf');
    expect(listeners.flatMap(listenerProblems)).toMatchObject([
      {
        code: 'insecure-socket',
        at: { line: 3, excerpt: 'chmod=0777' },
        summary:
          'the socket /tmp/dolphin-supervisor.sock has chmod=0777: any user of this host can control its supervisord',
        hint: 'chmod=0700 in [unix_http_server], and restart it',
      },
    ]);
    expect(told({ kind: 'unix', path: '/run/s', mode: 0o702 })).toEqual([
      'the socket /run/s has chmod=0702: any user of this host can control its supervisord - give it the mode 0700, and restart it',
    ]);
  });

  it('is told where it was opened by hand', async () => {
    const path = join(temporary(), 's');
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    chmodSync(path, 0o700);
    expect(told({ kind: 'unix', path, mode: 0o700 })).toEqual([]);
    chmodSync(path, 0o706);
    expect(told({ kind: 'unix', path, mode: 0o700 })).toEqual([
      `the socket ${path} has been given the mode 0706: any user of this host can control its supervisord - chmod 0700 ${path}`,
    ]);
  });

  it('is told where it can be replaced, also behind a link', () => {
    const folder = temporary();
    const open = join(folder, 'open');
    mkdirSync(join(open, 'below'), { recursive: true });
    symlinkSync(join(open, 'below'), join(folder, 'link'));
    chmodSync(open, 0o777);
    const text = `any user of this host can write the folder ${open}`;
    expect(told({ kind: 'unix', path: join(open, 'below/s'), mode: 0o700 })).toEqual([expect.stringContaining(text)]);
    expect(told({ kind: 'unix', path: join(folder, 'link/s'), mode: 0o700 })).toEqual([expect.stringContaining(text)]);
    chmodSync(open, 0o1777);
    expect(told({ kind: 'unix', path: join(open, 'below/s'), mode: 0o700 })).toEqual([]);
  });
});

describe('a TCP listener', () => {
  it.each([
    ['9001', '*:9001 without a password: anybody who can reach this host'],
    ['127.0.0.1:9001', '127.0.0.1:9001 without a password: any user of this host'],
    ['localhost:1', 'localhost:1 without a password: any user of this host'],
    ['10.0.0.1:9001', '10.0.0.1:9001 without a password: anybody who can reach this host'],
  ])('needs a password: %s', (port, text) => {
    const { listeners } = readText(`[supervisord]\n[inet_http_server]\nport=${port}\n`);
    expect(listeners.flatMap(told)).toEqual([expect.stringContaining(`supervisord listens on ${text} can control it`)]);
  });

  it('is fine with one', () => {
    const { listeners } = readText('[supervisord]\n[inet_http_server]\nport=1\nusername=u\npassword=p\n');
    expect(listeners.flatMap(told)).toEqual([]);
  });
});
