import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHost, type Host, RECONCILE, until } from '../rig/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

const sleeper = (seconds: number, more: object = {}) => ({
  ...{ supervisor: 'builtin', command: ['sleep', String(seconds)], start: { ready: '0s' }, soak: '1h' },
  ...more,
});

/** What differs from run to run. */
function plain(text: string): string {
  return text
    .replaceAll(host.folder, 'HOST')
    .replace(/\d{4}-\d\d-\d\d UTC\n/g, '')
    .replace(/^\d\d:\d\d:\d\d/gm, 'TIME')
    .replace(/\brun [0-9a-z]{8}\b/g, 'run RUN')
    .replace(/content:[0-9a-f]+/g, 'REVISION')
    .replace(/\S+ asked to/g, 'USER asked to')
    .replace(/pid \d+/g, 'pid PID')
    .replace(/done in \d+\w+/g, 'done in TOOK');
}

const ENDED = 'The daemon has ended: nothing new comes until it runs again, or somebody applies without it.\n';

it('events -f tells what happens, through the kill and the end of the daemon and applies without it', async () => {
  host.write('web', sleeper(600, { environment: { API_TOKEN: 'hunter2' } }));
  host.write('api', sleeper(601));
  const early = host.begin('events', '-f');
  await early.saw('No daemon runs: nothing new comes until one does, or somebody applies without it.');
  const first = await host.daemon();
  await early.saw('applied: 2 done');
  const ofWeb = host.begin('events', '-f', 'web', '--since', '1h');
  await ofWeb.saw('create done');
  await first.stop('SIGKILL');
  await early.saw(ENDED);
  await ofWeb.saw(ENDED);
  // Without a daemon: it is told all the same.
  host.write('web', sleeper(602, { environment: { API_TOKEN: 'hunter3' } }));
  expect((await host.reconcile()).code).toBe(0);
  await ofWeb.saw('replace done');
  const second = await host.daemon();
  await second.saw('"event":"ready"');
  await ofWeb.saw('taken back as it runs');
  // By the new daemon's socket from now on: its end is heard again.
  await second.stop();
  await until(() => ofWeb.output().split(ENDED).length === 3);
  await early.saw('the daemon ended; its services go on');
  expect(await early.stop('SIGINT')).toBe(0);
  expect(await ofWeb.stop('SIGTERM')).toBe(0);

  const told = plain(ofWeb.output().replaceAll(ENDED, ''));
  expect(told).toBe(`\
TIME  run RUN  the daemon began: 2 steps (2 create); REVISION
TIME    web  to do: create and start
TIME    web  create begun
TIME    web  STOPPED -> STARTING
TIME    web  STARTING -> RUNNING pid PID
TIME    web  create done in TOOK, pid PID
TIME  run RUN  USER asked to apply: 1 step (1 replace); REVISION
TIME    web  to do: restart pid PID, new definition; command: sleep 600 -> sleep 602;
                 environment.API_TOKEN: *** (what is not shown differs)
TIME    web  replace begun
TIME    web  replace done in TOOK, pid PID
TIME  web  taken back as it runs, pid PID
`);
  // Each once, to whoever looks afterwards too.
  const { stdout } = await host.reconcile('events', '--json', '--limit', '1000');
  const ids = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly id: number }).id);
  expect(ids).toEqual(ids.map((_, i) => i + 1));
  expect(stdout).not.toContain('hunter');
  const lines = early
    .output()
    .replaceAll(/^.*(UTC|There is no journal.*|No daemon runs.*|The daemon has ended.*)\n/gm, '');
  const after = await host.reconcile('events', '--limit', '1000');
  expect(plain(lines)).toBe(plain(after.stdout));
});

it('events says what is not there', async () => {
  host.write('web', sleeper(600));
  expect(await host.reconcile('events')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(/^There is no journal in /),
  });
  expect(await host.reconcile('events', '-f', 'wbe')).toMatchObject({
    code: 1,
    stderr: "cannot show events of 'wbe': there is no such service\n  did you mean 'web'?\n",
  });
  await host.reconcile();
  expect(await host.reconcile('events', 'web', '--since', '0s')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'Nothing is recorded of web since then.\n',
  });
});

it('events -f waits for a journal, and ends with whoever reads it', async () => {
  host.write('web', sleeper(600));
  rmSync(join(host.runtime, 'state'), { recursive: true, force: true });
  const environment = { ...process.env, RECONCILE_DESIRED_STATE: host.desired, RECONCILE_RUNTIME_DIR: host.runtime };
  const ended = new Promise<string>((resolve) => {
    execFile('sh', ['-c', `"$0" events -f 2>&1 | head -n 5`, RECONCILE], { env: environment }, (_, stdout) =>
      resolve(stdout),
    );
  });
  await host.reconcile();
  host.write('web', sleeper(601));
  await host.reconcile();
  expect(await ended).toContain('There is no journal in');
});
