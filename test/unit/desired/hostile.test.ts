import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder, problems, put, SLEEP, valid } from './folder.ts';

/** What git can't hold; the rest is in test/golden/bad. */
const summaries = async (root: string) => (await problems(root)).map((p) => [p.at?.file ?? p.file, p.summary]);

test('a fifo in place of a file is told at once', async () => {
  const root = folder({ 'services/ok.yaml': SLEEP });
  expect(spawnSync('mkfifo', [join(root, 'services/x.yaml')]).status).toBe(0);
  expect(await summaries(root)).toEqual([['services/x.yaml', 'it is a fifo, not a file']]);
});

test('a socket in place of a file is told', async () => {
  const root = folder({ 'services/ok.yaml': SLEEP });
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(join(root, 'services/x.yaml'), resolve));
  expect(await summaries(root)).toEqual([['services/x.yaml', 'it is a socket, not a file']]);
});

test('an endless device behind a link is not read', async () => {
  const root = folder({ 'services/ok.yaml': SLEEP });
  symlinkSync('/dev/zero', join(root, 'services/x.yaml'));
  expect(await summaries(root)).toEqual([['services/x.yaml', 'it is a device, not a file']]);
});

test('links are followed, but not in a circle and not to nothing', async () => {
  const root = folder({ 'services/ok.yaml': SLEEP });
  put(root, { '.real/a.yaml': SLEEP });
  symlinkSync('../.real/a.yaml', join(root, 'services/a.yaml'));
  expect((await valid(root)).services.map(({ id }) => id)).toEqual(['a', 'ok']);
  symlinkSync('loop.yaml', join(root, 'services/loop.yaml'));
  symlinkSync('nowhere.yaml', join(root, 'services/none.yaml'));
  symlinkSync('.', join(root, 'services/here'));
  expect(await summaries(root)).toEqual([
    ['services/here', 'folders are not read here'],
    ['services/loop.yaml', 'cannot follow the symbolic link: too many symbolic links'],
    ['services/none.yaml', 'cannot follow the symbolic link: no such file or directory'],
  ]);
});

test('services/ may itself be a link, but not one in a circle', async () => {
  const root = folder({ '.real/web.yaml': SLEEP });
  symlinkSync('.real', join(root, 'services'));
  expect((await valid(root)).services).toHaveLength(1);
  rmSync(join(root, 'services'));
  symlinkSync('services', join(root, 'services'));
  expect(await summaries(root)).toEqual([['services', 'cannot follow the symbolic link: too many symbolic links']]);
});

test('a file over 1 MiB is refused, one of 1 MiB is read', async () => {
  const root = folder({ 'services/ok.yaml': SLEEP });
  const fill = (size: number) => `${SLEEP}#${'x'.repeat(size - SLEEP.length - 2)}\n`;
  put(root, { 'services/x.yaml': fill(1 << 20) });
  expect((await valid(root)).services).toHaveLength(2);
  put(root, { 'services/x.yaml': fill((1 << 20) + 1) });
  expect(await summaries(root)).toEqual([['services/x.yaml', 'the file is larger than 1 MiB']]);
});

test.each([
  ['UTF-16', Buffer.from(`\ufeff${SLEEP}`, 'utf16le'), 'the file is not UTF-8 text: it is UTF-16 or binary'],
  ['NUL bytes', Buffer.from(`${SLEEP}\0`), 'the file is not UTF-8 text: it is UTF-16 or binary'],
  [
    'Latin 1',
    Buffer.from(`${SLEEP}description: caf\xe9\n`, 'latin1'),
    'the file is not UTF-8: line 3 holds other bytes',
  ],
  [
    'a cut character',
    Buffer.concat([Buffer.from(SLEEP), Buffer.from([0xe2, 0x82])]),
    'the file is not UTF-8: line 3 holds other bytes',
  ],
])('%s is refused', async (_, bytes, summary) => {
  expect(await summaries(folder({ 'services/x.yaml': bytes }))).toEqual([['services/x.yaml', summary]]);
});

test('brackets or dashes without end are told, not followed', async () => {
  const root = folder({ 'services/a.yaml': `x: ${'['.repeat(50_000)}`, 'services/b.yaml': '- '.repeat(50_000) });
  expect(await summaries(root)).toEqual([
    ['services/a.yaml', 'nested far too deeply'],
    ['services/b.yaml', 'nested far too deeply'],
  ]);
});

test('a directory that is missing, or a file, is told by its name', async () => {
  const root = folder({ file: 'x' });
  expect(await summaries(join(root, 'none'))).toEqual([
    [undefined, `cannot read ${root}/none: no such file or directory`],
  ]);
  expect(await summaries(join(root, 'file'))).toEqual([[undefined, `cannot read ${root}/file: it is not a directory`]]);
});

test('an empty directory is never an empty desired state', async () => {
  const root = folder();
  expect(await summaries(root)).toEqual([[undefined, `no services found in ${root}`]]);
  mkdirSync(join(root, 'services'));
  expect(await summaries(root)).toEqual([[undefined, `no services found in ${root}`]]);
});

test('what may not be read is a problem, never absent', async () => {
  const root = folder({ 'services/a.yaml': SLEEP, 'services/b.yaml': SLEEP });
  await valid(root); // so that all that is loaded lazily is there
  asNobody(root);
  chmodSync(join(root, 'services/a.yaml'), 0);
  expect(await summaries(root)).toEqual([['services/a.yaml', 'cannot read the file: permission denied']]);
  chmodSync(join(root, 'services'), 0);
  onTestFinished(() => chmodSync(join(root, 'services'), 0o700));
  expect(await summaries(root)).toEqual([['services', 'cannot list the folder: permission denied']]);
});

test('a secret is in no problem, wherever on the line it is', async () => {
  const root = folder();
  const lines = [
    'environment: { A: 1, DB_PASSWORD: hunter2, PORT: 2 }',
    'environment:\n  API_TOKEN: hunter2: x',
    'environment: { API_KEY: "hunter2',
    'environment:\n  SECRET: |\n    hunter2\n   hunter2: x',
    'command: [/bin/x, --password, hunter2, 3]',
    'command: [/bin/x, --token=hunter2, 3]',
    'restartOn: ["https://me:hunter2@host/"]',
    'environment: { PASSWORD: [hunter2] }',
    'environment: DB_PASSWORD=hunter2',
    'environment:\n  - DB_PASSWORD=hunter2',
    'command: /bin/x --password hunter2',
    'pasword_hunter: {PASSWORD: hunter2}',
  ];
  for (const line of lines) {
    put(root, { 'services/a.yaml': `supervisor: builtin\n${line}\n` });
    const found = await problems(root);
    expect(found.length, line).toBeGreaterThan(0);
    expect(JSON.stringify(found), line).not.toContain('hunter2');
  }
});

/** Root may read anything: for the rest of the test it is nobody, to whom the folder is given. */
function asNobody(root: string): void {
  if (process.getuid?.() !== 0) return;
  for (const path of [
    root,
    join(root, 'services'),
    ...readdirSync(join(root, 'services')).map((name) => join(root, 'services', name)),
  ]) {
    chownSync(path, 65534, 65534);
  }
  process.seteuid?.(65534);
  onTestFinished(() => process.seteuid?.(0));
}
