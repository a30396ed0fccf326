import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Source } from '../../src/logs/line.ts';
import { LogReader } from '../../src/logs/reader.ts';

const LINES = 250_000;
const SOURCE: Source = { id: 'a', stream: 'stdout', name: 'a.log' };
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

function logIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'reconciled-logs-'));
  folders.push(folder);
  return join(folder, 'a.log');
}

function node(script: string, args: readonly string[], stdout: 'pipe' | number = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], {
    stdio: ['ignore', stdout, 'inherit'],
  });
  children.push(child);
  return child;
}

/** Numbered lines, in pieces that know nothing of lines' ends, some 10 MB a second. */
const PIECES = `
import { closeSync, copyFileSync, existsSync, openSync, renameSync, rmSync, truncateSync, writeSync } from 'node:fs';
let rest = '';
let i = 0;
function piece() {
  const wanted = 1000 + (i * 7919) % 3000;
  while (rest.length < wanted && i < ${LINES}) rest += String(i++).padStart(10, '0') + '\\n';
  const part = i < ${LINES} ? rest.slice(0, wanted) : rest;
  rest = rest.slice(part.length);
  return part;
}
const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
`;

/** Writes to what it was started with. */
const TO_STDOUT = `${PIECES}
for (let n = 0, part = piece(); part !== ''; part = piece(), n += 1) { writeSync(1, part); if (n % 4 === 0) pause(); }`;

/** Rotates by itself, between two pieces, as supervisord does: what it had open is never written to again. */
const ROTATES = `${PIECES}
const path = process.argv[1];
const [size, keep, together] = process.argv.slice(2).map(Number);
let fd = openSync(path, 'a');
let written = 0;
for (let n = 0, part = piece(); part !== ''; part = piece(), n += 1) {
  written += writeSync(fd, part);
  if (n % together === 0) pause();
  if (written < size) continue;
  closeSync(fd);
  for (let k = keep - 1; k > 0; k -= 1) {
    if (!existsSync(path + '.' + k)) continue;
    rmSync(path + '.' + (k + 1), { force: true });
    renameSync(path + '.' + k, path + '.' + (k + 1));
  }
  rmSync(path + '.1', { force: true });
  renameSync(path, path + '.1');
  fd = openSync(path, 'w');
  written = 0;
}`;

/** Goes on with what it has open until it is told to open it anew, as with logrotate's \`create\` and a signal. */
const REOPENS = `${PIECES}
const path = process.argv[1];
let fd = openSync(path, 'a');
let n = 0;
process.on('SIGHUP', () => { closeSync(fd); fd = openSync(path, 'a'); });
function some() {
  const part = piece(); if (part === '') return process.exit(0); writeSync(fd, part);
  setTimeout(some, 1);
}
some();`;

/** The writer's own doing, so that nothing is written between copy and truncation. */
const COPIES = `${PIECES}
const [path, size, name] = process.argv.slice(1);
const fd = openSync(path, 'a');
let written = 0;
let round = 0;
for (let n = 0, part = piece(); part !== ''; part = piece(), n += 1) {
  written += writeSync(fd, part);
  if (n % 4 === 0) pause();
  if (written < Number(size)) continue;
  round += 1;
  if (name === 'numbered')
    for (let k = round; k > 0; k -= 1) if (existsSync(path + '.' + k)) renameSync(path + '.' + k, path + '.' + (k + 1));
  copyFileSync(path, name === 'dated' ? path + '-202611' + String(round).padStart(3, '0') : path + '.1');
  pause();
  truncateSync(path, 0);
  written = 0;
}`;

const OURS = `
import { rotateIfNeeded } from '${new URL('../../src/supervisors/shared/rotate.ts', import.meta.url)}';
let count = 0;
process.on('SIGTERM', () => { process.stdout.write(String(count), () => process.exit(0)); });
for (;;) { if ((await rotateIfNeeded(process.argv[1], { maxSize: 300_000, keep: 1000 })) !== 'not-needed') count += 1; await new Promise((r) => setTimeout(r, 5)); }`;

/** Follows a log until its writer has ended and all is read. */
async function followed(path: string, writer: ChildProcess, slow = 0) {
  const lines: string[] = [];
  const told: string[] = [];
  using reader = new LogReader(
    {
      emit: (_source, some) => {
        for (const { text } of some) lines.push(text);
      },
      tell: (_id, problem) => void told.push(problem.summary),
      flush: () => (slow === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, slow))),
    },
    false,
  );
  const all = { count: Number.POSITIVE_INFINITY, since: undefined };
  await reader.read([{ kind: 'file', source: SOURCE, path }], all, true);
  const ended = new AbortController();
  const following = reader.follow(ended.signal);
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  expect(writer.exitCode).toBe(0);
  // Until nothing comes any more.
  for (let before = -1; before !== lines.length; ) {
    before = lines.length;
    await new Promise((resolve) => setTimeout(resolve, 300 + 5 * slow));
  }
  ended.abort();
  await following;
  return { lines, told };
}

function firstWrong(lines: readonly string[]): string | undefined {
  const wrong = lines.findIndex((line, i) => line !== String(i).padStart(10, '0'));
  if (wrong !== -1)
    return `line ${wrong}: ${JSON.stringify(lines.slice(Math.max(0, wrong - 1), wrong + 3)).slice(0, 300)}`;
  return lines.length === LINES ? undefined : `${lines.length} lines`;
}

function appending(path: string): ChildProcess {
  const fd = openSync(path, 'a');
  const child = node(TO_STDOUT, [], fd);
  closeSync(fd);
  return child;
}

it.each([
  [tmpdir(), 0],
  ['/dev/shm', 0],
  // Slower than it is written and rotated: much of it is read where it was rotated to.
  [tmpdir(), 100],
  ['/dev/shm', 100],
] as const)('follows through our own rotation, in %s, each flush taking %i ms', async (parent, slow) => {
  const path = logIn(parent);
  const writer = appending(path);
  const rotator = node(OURS, [path]);
  let rotations = '';
  rotator.stdout?.on('data', (chunk: Buffer) => {
    rotations += chunk.toString();
  });
  const { lines, told } = await followed(path, writer, slow);
  rotator.kill('SIGTERM');
  await once(rotator, 'close');
  expect([firstWrong(lines), told]).toEqual([undefined, []]);
  expect(Number(rotations)).toBeGreaterThan(3);
});

it.each([0, 100])('follows what its writer renames, as supervisord does, each flush taking %i ms', async (slow) => {
  const path = logIn(tmpdir());
  const { lines, told } = await followed(path, node(ROTATES, [path, '50000', '200', '4']), slow);
  expect([firstWrong(lines), told]).toEqual([undefined, []]);
  expect(readdirSync(join(path, '..')).length).toBeGreaterThan(20);
});

it('says so where a file was rotated away before it was read', async () => {
  const path = logIn(tmpdir());
  // Some times between two looks, over several looks.
  const { lines, told } = await followed(path, node(ROTATES, [path, '100000', '2', '1']), 200);
  expect([...new Set(told)]).toEqual([`${path} was rotated faster than it could be read: lines may be missing`]);
  expect(lines.length).toBeLessThan(LINES);
  const whole = lines.filter((line) => line.length === 10);
  expect(whole.findIndex((line, i) => line <= (whole[i - 1] ?? ''))).toBe(-1);
});

it('follows what is renamed and made anew, while its writer goes on with the old file for a while', async () => {
  const path = logIn(tmpdir());
  const writer = node(REOPENS, [path]);
  const script = `f=$1; i=1; until [ -s $f ]; do sleep 0.02; done
    while kill -0 $2 2>/dev/null; do mv $f $f-$i; : >$f; sleep 0.02; kill -HUP $2 2>/dev/null; i=$((i + 1)); sleep 0.05; done`;
  const rotator = spawn('sh', ['-c', script, 'sh', path, String(writer.pid)], { stdio: 'ignore' });
  children.push(rotator);
  const { lines, told } = await followed(path, writer);
  expect([firstWrong(lines), told]).toEqual([undefined, []]);
  expect(readdirSync(join(path, '..')).length).toBeGreaterThan(3);
});

it.each([
  ['numbered', 100_000],
  // One after the other, as from one day to the next.
  ['dated', 1_000_000],
])('follows what is copied and emptied, to %s copies', async (name, size) => {
  const path = logIn(tmpdir());
  const { lines, told } = await followed(path, node(COPIES, [path, String(size), name]));
  expect([firstWrong(lines), told]).toEqual([undefined, []]);
  expect(readFileSync(path, 'latin1').length).toBeLessThan(2_000_000);
  expect(readdirSync(join(path, '..')).length).toBeGreaterThan(2);
});

it('waits for a file and its folder, and follows it when it is removed and made anew', async () => {
  const path = join(logIn(tmpdir()), '..', 'later', 'a.log');
  const lines: string[] = [];
  let seen = () => {};
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      seen = () => lines.length === count && resolve();
      seen();
    });
  using reader = new LogReader(
    {
      emit: (_source, some) => {
        lines.push(...some.map(({ text }) => text));
        seen();
      },
      tell: (_id, problem) => expect(problem).toBeUndefined(),
      flush: () => {},
    },
    false,
  );
  await reader.read([{ kind: 'file', source: SOURCE, path }], { count: 10, since: undefined }, true);
  const ended = new AbortController();
  const following = reader.follow(ended.signal);
  mkdirSync(dirname(path));
  writeFileSync(path, 'one\n');
  await until(1);
  rmSync(path);
  writeFileSync(path, 'two\nno end');
  await until(2);
  ended.abort();
  await following;
  expect(lines).toEqual(['one', 'two', 'no end']);
});
