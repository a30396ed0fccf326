import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { type Rotated, rotateBeforeStart, rotateIfNeeded } from '../../src/supervisors/shared/rotate.ts';

const LINES = 2_000_000;
const KEEP = 10_000;
const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'reconciled-rotate-'));
  folders.push(folder);
  return folder;
}

/** Writes numbered lines of 11 bytes as fast as it can, in pieces that know nothing of blocks. */
const WRITER = `
const { writeSync } = require('node:fs');
for (let i = 0; i < ${LINES}; ) {
  let piece = '';
  for (const end = Math.min(${LINES}, i + 1 + (i % 37)); i < end; i += 1) piece += String(i).padStart(10, '0') + '\\n';
  writeSync(1, piece);
}`;

function writer(path: string): ChildProcess {
  const fd = openSync(path, 'a');
  const child = spawn(process.execPath, ['-e', WRITER], { stdio: ['ignore', fd, 'inherit'] });
  closeSync(fd);
  children.push(child);
  return child;
}

/** All that was written, the oldest first; without the hole that the live file may begin with. */
function everything(path: string): string {
  const rotated = readdirSync(join(path, '..')).flatMap((name) => /\.log\.(\d+)$/.exec(name)?.[1] ?? []);
  const files = rotated.map(Number).sort((a, b) => b - a);
  expect(files).toEqual(files.map((_, i) => files.length - i));
  return [...files.map((i) => `${path}.${i}`), path]
    .map((file) => readFileSync(file, 'latin1'))
    .join('')
    .replaceAll('\0', '');
}

/** Compared line by line: a wrong text of 20 MB tells nobody anything. */
function firstWrong(text: string): string | undefined {
  const lines = text.split('\n');
  const wrong = lines.findIndex((line, i) => line !== (i === LINES ? '' : String(i).padStart(10, '0')));
  if (wrong !== -1) return `line ${wrong}: ${lines.slice(Math.max(0, wrong - 1), wrong + 3).join(' | ')}`;
  return lines.length === LINES + 1 ? undefined : `${lines.length - 1} lines`;
}

async function rotateWhile(child: ChildProcess, path: string): Promise<Map<Rotated, number>> {
  const ways = new Map<Rotated, number>();
  while (child.exitCode === null && child.signalCode === null) {
    const way = await rotateIfNeeded(path, { maxSize: 300_000, keep: KEEP });
    ways.set(way, (ways.get(way) ?? 0) + 1);
    await sleep(1);
  }
  expect(child.exitCode).toBe(0);
  return ways;
}

it.each([tmpdir(), '/dev/shm'])(
  'holds each line exactly once and in order, under a writer at full speed, in %s',
  async (parent) => {
    const path = join(folderIn(parent), 'a.log');
    const ways = await rotateWhile(writer(path), path);
    expect(firstWrong(everything(path))).toBeUndefined();
    expect((ways.get('collapsed') ?? 0) + (ways.get('punched') ?? 0)).toBeGreaterThan(3);
    expect(ways.has('truncated')).toBe(false);
  },
);

it('frees what it has rotated', async () => {
  for (const parent of [tmpdir(), '/dev/shm']) {
    const path = join(folderIn(parent), 'a.log');
    const rotation = { maxSize: 100_000, keep: 3 };
    for (let i = 0; i < 5; i += 1) {
      appendFileSync(path, `${'x'.repeat(150_000)}\n`);
      expect(await rotateIfNeeded(path, rotation)).toMatch(/collapsed|punched/);
      expect(statSync(path).blocks * 512).toBeLessThan(20_000);
      expect(await rotateIfNeeded(path, rotation)).toBe('not-needed');
    }
    expect(readdirSync(join(path, '..')).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
    for (const i of [1, 2, 3]) {
      expect(readFileSync(`${path}.${i}`, 'latin1')).not.toContain('\0');
      expect(statSync(`${path}.${i}`).size).toBeGreaterThan(140_000);
    }
  }
});

it('finds the end of a hole that another process punched, and keeps zeros that were written', async () => {
  const path = join(folderIn('/dev/shm'), 'a.log');
  const script = `import { rotateIfNeeded } from '${new URL('../../src/supervisors/shared/rotate.ts', import.meta.url)}';
    process.exit((await rotateIfNeeded(process.argv[1], { maxSize: 1000, keep: 9 })) === 'punched' ? 0 : 1);`;
  appendFileSync(path, 'a'.repeat(3_000_000));
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], { stdio: 'inherit' });
  children.push(child);
  expect(await once(child, 'exit')).toEqual([0, null]);
  appendFileSync(path, Buffer.alloc(20_000));
  appendFileSync(path, 'b'.repeat(20_000));
  expect(await rotateIfNeeded(path, { maxSize: 1000, keep: 9 })).toBe('punched');
  const bytes = Buffer.concat([readFileSync(`${path}.2`), readFileSync(`${path}.1`)]);
  const rest = Buffer.alloc(20_000);
  expect(bytes.subarray(0, 3_020_000).equals(Buffer.concat([Buffer.alloc(3_000_000, 'a'), rest]))).toBe(true);
  expect(statSync(path).size).toBe(3_040_000);
});

it('loses nothing where it is killed at any moment', async () => {
  const path = join(folderIn(tmpdir()), 'a.log');
  const script = `import { rotateIfNeeded } from '${new URL('../../src/supervisors/shared/rotate.ts', import.meta.url)}';
    for (;;) { await rotateIfNeeded(process.argv[1], { maxSize: 20000, keep: ${KEEP} }); process.stdout.write('.'); }`;
  const writing = writer(path);
  let kills = 0;
  while (writing.exitCode === null || kills < 10) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    await sleep(Math.random() * 30);
    child.kill('SIGKILL');
    await once(child, 'exit');
    kills += 1;
    // There must be something to rotate for every kill.
    if (writing.exitCode !== null) appendFileSync(path, ' '.repeat(100_000));
  }
  // The next rotation closes the gap that a kill between two renames leaves.
  appendFileSync(path, ' '.repeat(100_000));
  expect(await rotateIfNeeded(path, { maxSize: 20_000, keep: KEEP })).not.toBe('not-needed');
  const lines = new Set(
    everything(path)
      .split(/[\n ]/)
      .filter((line) => line.length === 10),
  );
  expect(lines.size).toBe(LINES);
});

it('copies and truncates where the host can do no better, and says so', async () => {
  const path = join(folderIn(tmpdir()), 'a.log');
  const { PATH } = process.env;
  process.env.PATH = '/nonexistent';
  try {
    writeFileSync(path, 'x'.repeat(99_999));
    expect(await rotateIfNeeded(path, { maxSize: 10_000, keep: 2 })).toBe('truncated');
    expect(statSync(path).size).toBe(0);
    // Nobody wrote meanwhile, so all of it is there, the part beyond whole blocks too.
    expect(readFileSync(`${path}.1`, 'latin1')).toBe('x'.repeat(99_999));
  } finally {
    process.env.PATH = PATH;
  }
});

it('never rotates twice at a time', async () => {
  const path = join(folderIn(tmpdir()), 'a.log');
  writeFileSync(path, Buffer.alloc(200_000, 'x'));
  const rotation = { maxSize: 10_000, keep: 5 };
  await Promise.all([1, 2, 3].map(() => rotateIfNeeded(path, rotation)));
  expect(readdirSync(join(path, '..')).sort()).toEqual(['a.log', 'a.log.1']);
  expect(statSync(path).size + statSync(`${path}.1`).size).toBe(200_000);
});

it('leaves alone what is small, missing, no file, or a link, and everything where the size is 0', async () => {
  const folder = folderIn(tmpdir());
  const path = join(folder, 'a.log');
  const link = join(folder, 'link.log');
  expect(await rotateIfNeeded(path, { maxSize: 10, keep: 1 })).toBe('not-needed');
  rotateBeforeStart(path, { maxSize: 10, keep: 1 });
  writeFileSync(path, 'x'.repeat(50_000));
  symlinkSync(path, link);
  for (const [file, maxSize] of [
    [path, 60_000],
    [path, 0],
    [link, 10],
    ['/dev/null', 10],
    [folder, 10],
  ] as const) {
    expect(await rotateIfNeeded(file, { maxSize, keep: 1 })).toBe('not-needed');
    rotateBeforeStart(file, { maxSize, keep: 1 });
  }
  expect(readdirSync(folder).sort()).toEqual(['a.log', 'link.log']);
  expect(statSync(path).size).toBe(50_000);
});

it('says why where it cannot, and leaves the live file whole', async () => {
  const folder = folderIn(tmpdir());
  const path = join(folder, 'a.log');
  writeFileSync(path, 'x'.repeat(50_000));
  // A folder where the rotated file should go.
  mkdirSync(`${path}.1`);
  await expect(rotateIfNeeded(path, { maxSize: 10, keep: 1 })).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(statSync(path).size).toBe(50_000);
  expect(existsSync(`${path}.rotating`)).toBe(false);
});

it('drops what it rotates where nothing is to be kept, and what is beyond a keep that became less', async () => {
  const path = join(folderIn(tmpdir()), 'a.log');
  for (const i of [1, 2, 3, 4]) writeFileSync(`${path}.${i}`, String(i));
  writeFileSync(path, 'x'.repeat(50_000));
  expect(await rotateIfNeeded(path, { maxSize: 10, keep: 2 })).toMatch(/collapsed|punched/);
  expect(readdirSync(join(path, '..')).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
  expect(readFileSync(`${path}.2`, 'utf8')).toBe('1');
  appendFileSync(path, 'x'.repeat(50_000));
  const { size } = statSync(`${path}.1`);
  expect(await rotateIfNeeded(path, { maxSize: 10, keep: 0 })).toMatch(/collapsed|punched/);
  expect(statSync(`${path}.1`).size).toBe(size);
});

it('renames before a start, and moves older ones up to the first free number only', () => {
  const path = join(folderIn(tmpdir()), 'a.log');
  for (const i of [1, 2, 4]) writeFileSync(`${path}.${i}`, String(i));
  writeFileSync(path, 'x'.repeat(50_000));
  rotateBeforeStart(path, { maxSize: 10, keep: 5 });
  expect(existsSync(path)).toBe(false);
  expect([1, 2, 3, 4].map((i) => readFileSync(`${path}.${i}`, 'utf8').slice(0, 2))).toEqual(['xx', '1', '2', '4']);
  writeFileSync(path, 'y'.repeat(50_000));
  rotateBeforeStart(path, { maxSize: 10, keep: 0 });
  expect(existsSync(path)).toBe(false);
});
