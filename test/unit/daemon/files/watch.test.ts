import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileWatch, watchFiles } from '../../../../src/daemon/files/watch.ts';

let folder: string;
let watcher: FileWatch;
let bursts: number;
let waiter: PromiseWithResolvers<void>;
const web = () => join(folder, 'services/web.yaml');

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-watch-')));
  mkdirSync(join(folder, 'services'));
  writeFileSync(web(), 'supervisor: builtin\ncommand: [/bin/sleep, "60"]\nstate: stopped\n');
  bursts = 0;
  waiter = Promise.withResolvers();
  watcher = await open();
});

function open(options: { readonly poll?: number } = {}): Promise<FileWatch> {
  return watchFiles(folder, {
    ...options,
    changed: () => {
      bursts += 1;
      waiter.resolve();
    },
    trouble: ({ summary }) => waiter.reject(new Error(summary)),
  });
}

afterEach(async () => {
  await watcher[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The next burst; resolves at once where it has come already. */
async function burst(): Promise<void> {
  await waiter.promise;
  waiter = Promise.withResolvers();
}

test('a change, a new file and a removed one are seen', async () => {
  writeFileSync(web(), 'supervisor: builtin\ncommand: [/bin/sleep, "61"]\n');
  await burst();
  writeFileSync(join(folder, 'services/new.yaml'), 'supervisor: builtin\n');
  await burst();
  rmSync(web());
  await burst();
});

test('a save by rename is one burst, and what editors leave beside it does no harm', async () => {
  writeFileSync(join(folder, 'services/.web.yaml.swp'), 'x\n');
  writeFileSync(`${web()}.tmp`, 'supervisor: builtin\ncommand: [/bin/sleep, "62"]\n');
  renameSync(`${web()}.tmp`, web());
  await burst();
  await sleep(400); // nothing more must come
  expect(bursts).toBe(1);
});

test('two hundred files written at once are one burst', async () => {
  for (let i = 0; i < 200; i += 1) writeFileSync(join(folder, `services/s${i}.yaml`), 'supervisor: builtin\n');
  await burst();
  await sleep(400); // nothing more must come
  expect(bursts).toBe(1);
});

test('a file cut off at a valid place is waited for until it is whole', async () => {
  writeFileSync(web(), 'supervisor: builtin\ncommand: [/bin/sleep, "60"]\n'); // only `state: stopped` is missing yet
  await sleep(300); // the half must not be believed yet
  expect(bursts).toBe(0);
  appendFileSync(web(), 'state: stopped\n');
  await burst();
  expect(bursts).toBe(1);
});

test('what stays as it was cut is believed in the end', async () => {
  writeFileSync(web(), 'supervisor: builtin\n');
  await burst();
});

test('what is no part of the desired state is not watched', async () => {
  mkdirSync(join(folder, 'programs'));
  for (let i = 0; i < 5; i += 1) writeFileSync(join(folder, 'programs/x.log'), `${i}\n`);
  await sleep(400); // nothing must come
  expect(bursts).toBe(0);
});

test('what is written for long, with long pauses, is one burst but for its first file', async () => {
  for (let i = 0; i < 30; i += 1) {
    writeFileSync(join(folder, `services/s${i}.yaml`), 'supervisor: builtin\n');
    await sleep(i < 15 ? 20 : 60); // as a slow copy does
  }
  await watcher.steady(async () => undefined);
  await sleep(400); // nothing more must come
  expect(bursts).toBeLessThanOrEqual(2);
});

test('what is read while it is written is read again', async () => {
  const all = () => readdirSync(join(folder, 'services')).length;
  let reads = 0;
  const found = await watcher.steady(async () => {
    reads += 1;
    const before = all();
    if (reads === 1) for (let i = 0; i < 50; i += 1) writeFileSync(join(folder, `services/s${i}.yaml`), 'x: y\n');
    await sleep(30); // as reading many files takes
    return before;
  });
  expect(found).toBe(51);
  expect(reads).toBeGreaterThan(1);
});

test('what fails while it is written is tried again, and what fails after that fails', async () => {
  let reads = 0;
  const read = watcher.steady(async () => {
    reads += 1;
    if (reads === 1) writeFileSync(web(), 'x: y\n');
    await sleep(30); // as reading takes
    throw new Error('invalid');
  });
  await expect(read).rejects.toThrow('invalid');
  expect(reads).toBeGreaterThan(1);
});

test('a directory that is made anew is watched again', async () => {
  rmSync(folder, { recursive: true });
  await burst();
  mkdirSync(join(folder, 'services'), { recursive: true });
  writeFileSync(web(), 'supervisor: builtin\n');
  await burst();
  await sleep(1500); // whatever comes of it
  waiter = Promise.withResolvers();
  writeFileSync(web(), 'supervisor: systemd\n');
  await burst();
});

test('a link to a directory that leads elsewhere is followed', async () => {
  await watcher[Symbol.asyncDispose]();
  const base = folder;
  for (const name of ['one', 'two']) {
    mkdirSync(join(base, name, 'services'), { recursive: true });
    writeFileSync(join(base, name, 'services/web.yaml'), `description: ${name}\n`);
  }
  symlinkSync('one', join(base, 'now'));
  folder = join(base, 'now');
  watcher = await open();
  symlinkSync('two', join(base, 'next'));
  renameSync(join(base, 'next'), folder);
  await burst();
  await sleep(300); // whatever comes of it
  waiter = Promise.withResolvers();
  writeFileSync(join(base, 'two/services/web.yaml'), 'description: three\n');
  await burst();
  folder = base;
});

test('links of single files that lead elsewhere are followed, as a mounted ConfigMap has them', async () => {
  await watcher[Symbol.asyncDispose]();
  for (const name of ['..1', '..2']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'web.yaml'), `description: ${name}\n`);
  }
  symlinkSync('..1', join(folder, '..data'));
  rmSync(web());
  symlinkSync('../..data/web.yaml', web());
  watcher = await open();
  symlinkSync('..2', join(folder, '..next'));
  renameSync(join(folder, '..next'), join(folder, '..data'));
  await burst();
  expect(readFileSync(web(), 'utf8')).toBe('description: ..2\n');
});

test('files are looked at where their file system tells nothing', async () => {
  await watcher[Symbol.asyncDispose]();
  watcher = await open({ poll: 50 });
  writeFileSync(web(), 'supervisor: systemd\n');
  await burst();
});

test('where the kernel has no more watches the files are looked at, and that is told', async () => {
  const script = `
    import { writeFileSync } from 'node:fs';
    import { watchFiles } from ${JSON.stringify(new URL('../../../../src/daemon/files/watch.ts', import.meta.url).pathname)};
    const changed = Promise.withResolvers();
    const watch = await watchFiles(${JSON.stringify(folder)}, {
      changed: changed.resolve,
      trouble: ({ code, summary }) => console.log(code, summary),
    });
    writeFileSync(${JSON.stringify(web())}, 'supervisor: systemd\\n');
    await changed.promise;
    await watch[Symbol.asyncDispose]();
    console.log('seen');
  `;
  const limited = 'echo 1 > /proc/sys/user/max_inotify_watches && exec "$@"';
  const out = execFileSync(
    'unshare',
    ['-U', '-r', 'sh', '-c', limited, 'sh', process.execPath, '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  expect(out).toBe(
    `watch-limit cannot watch ${folder}: fs.inotify.max_user_watches is reached; its files are looked at every 5s instead\nseen\n`,
  );
});

describe('in a work tree', () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder, stdio: 'pipe' });

  beforeEach(async () => {
    await watcher[Symbol.asyncDispose]();
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-qm', 'one');
    watcher = await open();
  });

  test('a checkout of a thousand files is one burst, and is never read half', async () => {
    git('checkout', '-qb', 'many');
    for (let i = 0; i < 1000; i += 1) writeFileSync(join(folder, `services/s${i}.yaml`), `description: many ${i}\n`);
    writeFileSync(web(), 'description: many\n');
    git('add', '.');
    git('commit', '-qm', 'many');
    await burst();
    await watcher.steady(async () => undefined);
    for (const branch of ['main', 'many', 'main']) {
      bursts = 0;
      waiter = Promise.withResolvers();
      git('checkout', '-q', branch);
      await burst();
      const found = await watcher.steady(async () => readdirSync(join(folder, 'services')).length);
      expect(found).toBe(branch === 'main' ? 1 : 1001);
      await sleep(300); // nothing more must come
      // HEAD is written after git has let go of its lock: on a busy host that is seen by itself.
      expect(bursts).toBeLessThanOrEqual(2);
    }
  });

  test('a commit of what is there already is seen', async () => {
    git('commit', '-q', '--allow-empty', '-m', 'two');
    await burst();
  });

  test('while git holds its lock nothing is believed', async () => {
    writeFileSync(join(folder, '.git/index.lock'), '');
    writeFileSync(web(), 'description: half\n');
    await sleep(300); // nothing must come
    expect(bursts).toBe(0);
    rmSync(join(folder, '.git/index.lock'));
    await burst();
  });

  test('a lock that was left behind keeps nobody waiting', async () => {
    writeFileSync(join(folder, '.git/index.lock'), '');
    const before = new Date(Date.now() - 60_000);
    utimesSync(join(folder, '.git/index.lock'), before, before);
    const began = performance.now();
    await watcher.steady(async () => undefined);
    expect(performance.now() - began).toBeLessThan(5000);
    writeFileSync(web(), 'description: whole\n');
    await burst();
  });
});
