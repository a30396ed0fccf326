import { appendFileSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchFiles } from '../../../src/daemon/watch.ts';

let folder: string;
let watcher: AsyncDisposable;
let bursts: number;
let waiter: PromiseWithResolvers<void>;
const web = () => join(folder, 'services/web.yaml');

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-watch-')));
  mkdirSync(join(folder, 'services'));
  writeFileSync(web(), 'supervisor: builtin\ncommand: [/bin/sleep, "60"]\nstate: stopped\n');
  bursts = 0;
  waiter = Promise.withResolvers();
  watcher = await watchFiles(
    folder,
    () => {
      bursts += 1;
      waiter.resolve();
    },
    (error) => waiter.reject(error),
  );
});
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
