import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Problem } from '../../../src/problem.ts';
import { openNotifier, takeManager } from '../../../src/service/notify.ts';
import { until } from '../../rig/host.ts';

let folder: string;
const { PATH } = process.env;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-notify-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

/** A systemd-notify that writes down what it is given. */
function program(script: string): void {
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  process.env.PATH = `${folder}:${PATH}`;
}
const said = () =>
  existsSync(join(folder, 'said')) ? readFileSync(join(folder, 'said'), 'utf8').trim().split('\n') : [];

it('takes what systemd has said of this process alone out of its environment, so that no child has it', () => {
  const environment: NodeJS.ProcessEnv = {
    PATH: '/bin',
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '60000000',
    WATCHDOG_PID: '77',
    INVOCATION_ID: 'x',
    JOURNAL_STREAM: '8:9',
    LISTEN_FDS: '1',
    LISTEN_PID: '77',
    LISTEN_FDNAMES: 'a',
    SYSTEMD_EXEC_PID: '77',
  };
  expect(takeManager(environment, 77)).toEqual({ socket: '/run/systemd/notify', watchdog: 60_000 });
  expect(environment).toEqual({ PATH: '/bin' });
  expect(takeManager({ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '1000', WATCHDOG_PID: '78' }, 77)).toEqual({ socket: '/x' });
  expect(takeManager({ WATCHDOG_USEC: '1000' }, 77)).toBeUndefined();
});

it('says things in order, what comes meanwhile together, and nothing twice', async () => {
  program(`sleep 0.1; echo "$NOTIFY_SOCKET $*" >>${folder}/said`);
  const notifier = openNotifier(
    { socket: '/x', watchdog: undefined },
    () => true,
    () => undefined,
  );
  notifier.status('one');
  notifier.ready();
  notifier.status('one');
  notifier.reloading();
  await notifier.stopping('bye');
  expect(said().join(' | ')).toBe('/x STATUS=one READY=1 STATUS=one RELOADING=1 STOPPING=1 STATUS=bye');
});

it('gives signs of life twice in the time that is given, and none while the work stands still', async () => {
  program(`echo "$*" >>${folder}/said`);
  let alive = true;
  const notifier = openNotifier(
    { socket: '/x', watchdog: 400 },
    () => alive,
    () => undefined,
  );
  await until(() => said().filter((line) => line === 'WATCHDOG=1').length >= 3);
  alive = false;
  await notifier.stopping('still');
  const before = said().length;
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(said().length).toBe(before);
  notifier.close();
});

it('tells once that it can’t be said', async () => {
  process.env.PATH = folder;
  const told: Problem[] = [];
  const notifier = openNotifier(
    { socket: '/x', watchdog: undefined },
    () => true,
    (problem) => told.push(problem),
  );
  notifier.ready();
  await notifier.stopping('bye');
  await notifier.stopping('bye');
  expect(told.map(({ summary }) => summary)).toEqual([
    'cannot tell systemd how the daemon is: no such file or directory',
  ]);
});
