import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readProgram } from '../../../../src/supervisors/supervisord/program-text.ts';
import { settingsDigest } from '../../../../src/supervisors/supervisord/settings-digest.ts';
import { defined, fileOf, OTHERS, service } from './make.ts';

const web = service({ command: ['/bin/web', 'ü\u2028; [X-Reconciled]\n; Stamp=v1:a:b::c'], start: { ready: '5s' } });

it('says of itself what it was made from', () => {
  const { made, text } = fileOf(web);
  const { hash, fields } = defined(web);
  expect(readProgram(text)).toEqual({
    owner: 'default',
    id: 'web',
    hash,
    fields,
    made,
    autostart: true,
    startsecs: 5000,
    settings: settingsDigest(fields, true),
    stderrLog: '/var/log/reconciled/web-error.log',
    edited: false,
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what it is about
  expect(text.slice(text.lastIndexOf('; [X-'))).toMatch(/^[\x00-\x7f]*$/);
});

it('shows every edit, wherever it is', () => {
  const { text } = fileOf(web);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('x', '\n', '', '0'), fc.nat(1), (at, put, cut) => {
      const edited = text.slice(0, at) + put + text.slice(at + cut);
      const read = readProgram(edited);
      return edited === text || read === undefined || read.edited;
    }),
    { numRuns: 2000 },
  );
  expect(readProgram(`${text}[program:other]\ncommand=x\n`)?.edited).toBe(true);
  expect(readProgram(text.replaceAll('\n', '\r\n'))).toMatchObject({ id: 'web', edited: true });
});

it('is nothing of ours without a whole stamp', () => {
  const { text } = fileOf(web);
  expect(readProgram('')).toBeUndefined();
  expect(readProgram('[program:web]\ncommand=/bin/web\n')).toBeUndefined();
  expect(readProgram(text.replaceAll(/; Stamp=v1/g, '; Stamp=v2'))).toBeUndefined();
});

it('digests what only the next start applies, and nothing else', () => {
  const digest = (written: Parameters<typeof service>[0], autostart = true) =>
    settingsDigest(defined(service(written)).fields, autostart);
  const none = digest({});
  expect(digest({ description: 'x', command: ['y'], restart: { cooldown: '1m' }, autostart: true })).toBe(none);
  const all = [
    digest({}, false),
    digest({ start: { ready: '2s' } }),
    digest({ start: { retries: 2 } }),
    digest({ stop: { signal: 'INT' } }),
    digest({ restart: { policy: 'never' } }),
    digest({ restart: { backoff: { max: '1m' } } }),
    digest({ logs: { keep: 2 } }),
  ];
  expect(new Set([none, ...all]).size).toBe(all.length + 1);
});

/**
 * Files are taken for unchanged without being written again where their fields and what they are made by are the same.
 * Where this test fails because texts are meant to differ now, raise RENDERING in program-text.ts, and only then write
 * down the new digest.
 */
it('changes its text only together with what it is made by', () => {
  const written = {
    description: 'a "web" server: 100 %',
    command: ['/opt/web/bin/web', '--port', '80', '$HOME', 'a b', '', '%(here)s ;', 'a\r\n b'],
    directory: '/opt/web',
    user: 'root',
    umask: '077',
    environment: { TZ: 'UTC', QUOTED: 'a "b" \\ $c %d\n', BOTH: `"it's"` },
    environmentFiles: ['/etc/web/secrets.env'],
    start: { ready: '5s', retries: 1, after: ['db'] },
    stop: { signal: 'INT', timeout: '30s', tree: false },
    restart: { policy: 'on-failure', backoff: { initial: '2s', factor: 3, max: '1m' } },
    limits: { addressSpace: '2GiB', openFiles: 65536, core: '0B' },
    logs: { stdout: 'logs/web.log', stderr: 'logs/100%.log', maxSize: '50MB', keep: 10 },
  } as const;
  const texts = [undefined, OTHERS].map((instance) => {
    const { made, text } = fileOf(service(written as never), instance);
    expect(made).toMatch(/^1 autostart [0-9a-f]{8}$/);
    // What depends on the host that this runs on.
    const body = text.slice(0, text.lastIndexOf('; [X-')).replace(/ \S*\/(setpriv|prlimit|env|mkdir|sleep) /g, ' $1 ');
    return body
      .replace(/HOME=.*?LANG=/, '')
      .replace(/setpriv --reuid.*? -- /, '')
      .replaceAll(/\/\S*\/(mkdir|sleep) /g, '$1 ');
  });
  const all = texts
    .join('\0')
    .replace(/command=\S*\/env/g, 'command=env')
    .replace(/\/run\/reconciled-backoff|\$\{XDG_.*?\}\/reconciled-backoff/g, 'backoff');
  expect(createHash('sha256').update(all).digest('hex').slice(0, 16), all).toBe('f3ea2d4a48ee4614');
});
