import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PLAIN } from '../../src/cli/style.ts';
import { environmentJson, environmentText } from '../../src/cli/views/env.ts';
import type { ServiceFile } from '../../src/desired/generated/service.ts';
import { environmentsOf } from '../../src/environments.ts';
import { self } from '../../src/host/users.ts';
import type { Desired, ServiceStatus } from '../../src/model.ts';
import { BASE_PATH } from '../../src/supervisors/shared/environment.ts';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-env-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const { name, home, shell } = self();
const BASE = { PATH: BASE_PATH, HOME: home, USER: name, LOGNAME: name, SHELL: shell, LANG: 'C.UTF-8' };

const row = (variable: string, value: string, from: string) =>
  `${variable.padEnd('RECONCILED_DEFINITION'.length)}  ${value.padEnd(BASE_PATH.length)}  ${from}`;

/** A real process with this environment and no other. */
async function started(env: Record<string, string>): Promise<number> {
  const child = spawn('/bin/sleep', ['600'], { env, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child.pid ?? 0;
}

function desired(written: Partial<ServiceFile>): Desired {
  const service = { id: 'web', name: 'web', written };
  const locate = (_: string, path: readonly (string | number)[]) => ({
    ...{ file: 'services/web.yaml', line: 3, column: String(path[1]).length, length: 1, excerpt: '' },
  });
  return { services: [service], locate } as unknown as Desired;
}

const status = (pid: number | null, supervisor = 'builtin') =>
  ({ name: 'web', pid, supervisor, definition: 'current' }) as unknown as ServiceStatus;

it('tells which variable comes from where, and what is another at the next start', async () => {
  const file = join(folder, 'secrets.env');
  writeFileSync(file, 'DB_URL=new\nTZ=Europe/Berlin\nKEPT=as-it-was\n');
  const pid = await started({
    ...{ ...BASE, LANG: 'C', MODE: 'fast', API_TOKEN: 'hunter2', DB_URL: 'hunter3', TZ: 'UTC', KEPT: 'as-it-was' },
    ...{ LEFT: 'hunter4', RECONCILED_DEFINITION: 'v1:o:web::1' },
  });
  const environment = { MODE: 'slow', API_TOKEN: 'hunter5', TZ: 'UTC', MORE: '1' };
  const found = await environmentsOf(desired({ environment, environmentFiles: [file] }), status(pid));
  expect(JSON.stringify(environmentJson(found))).not.toMatch(/hunter|as-it-was|Berlin|new/);
  expect(environmentText(found, { style: PLAIN, width: 200 }).replaceAll(folder, 'FOLDER')).toBe(
    [
      `web  pid ${pid}`,
      row('name', 'value', 'from'),
      row('API_TOKEN', '***', 'services/web.yaml:3:9'),
      '    another value from its next start on (neither is shown)',
      row('DB_URL', '***', 'FOLDER/secrets.env'),
      '    another value from its next start on (neither is shown)',
      row('HOME', home, 'base'),
      row('KEPT', '***', 'FOLDER/secrets.env'),
      row('LANG', '***', 'base'),
      '    from its next start on: C.UTF-8',
      row('LEFT', '***', '-'),
      '    not declared',
      row('LOGNAME', name, 'base'),
      row('MODE', '***', 'services/web.yaml:3:4'),
      '    from its next start on: slow',
      row('MORE', '-', 'services/web.yaml:3:4'),
      '    not there; from its next start on: 1',
      row('PATH', BASE_PATH, 'base'),
      row('RECONCILED_DEFINITION', 'v1:o:web::1', 'reconcile'),
      row('SHELL', shell, 'base'),
      row('TZ', '***', 'FOLDER/secrets.env'),
      '    another value from its next start on (neither is shown)',
      row('USER', name, 'base'),
      '',
    ].join('\n'),
  );
});

it('shows values that Git says, old ones too, where no file of secrets plays a part', async () => {
  const values = { ...BASE, MODE: 'fast', DB_PASSWORD: 'hunter2', URL: 'http://u:hunter3@h/' };
  const environment = { MODE: 'slow', DB_PASSWORD: 'hunter2', URL: 'http://u:hunter3@h/' };
  const of = async (env: Record<string, string>) => {
    const { variables } = await environmentsOf(desired({ environment }), status(await started(env)));
    return Object.fromEntries(variables.map((one) => [one.name, [one.running, one.declared, one.state]]));
  };
  expect(await of(values)).toMatchObject({
    MODE: ['fast', 'slow', 'differs'],
    DB_PASSWORD: ['***', '***', 'same'],
    URL: ['http://u:***@h/', 'http://u:***@h/', 'same'],
    HOME: [home, home, 'same'],
  });
  // It was started with something that Git does not say, or no more: a file of secrets, for all that is known.
  expect(await of({ ...values, STRANGE: 'x' })).toMatchObject({
    MODE: ['***', 'slow', 'differs'],
    STRANGE: ['***', null, 'extra'],
    HOME: [home, home, 'same'],
  });
});

it('says what can not be read, and goes on with what is declared', async () => {
  const file = join(folder, 'none.env');
  const none = await environmentsOf(
    desired({ environment: { A: '1' }, environmentFiles: [file] }),
    status(2 ** 22 + 1),
  );
  expect(none.unreadable).toBe('no such file or directory');
  expect(none.files).toEqual([{ path: file, unreadable: 'no such file or directory' }]);
  expect(environmentText(none, { style: PLAIN, width: 300 })).toContain(
    `the environment of pid 4194305 can't be read: no such file or directory; what is declared is shown
${file} can't be read: no such file or directory; what it says is not known
name     value`,
  );
  const down = await environmentsOf(desired({ environment: { A: '1' } }), status(null));
  expect(environmentText(down, { style: PLAIN, width: 100 })).toMatch(
    /^web {2}does not run\nname .*\nA {8}1 .*web\.yaml:3:1$/m,
  );
  // What an unreadable file may say is not called undeclared.
  const pid = await started({ ...BASE, X: 'hunter2' });
  const { variables } = await environmentsOf(desired({ environmentFiles: [file] }), status(pid));
  expect(variables.find((one) => one.name === 'X')).toMatchObject({ running: '***', state: 'unknown' });
});

it('knows what supervisors add, and has no base for a unit of others', async () => {
  const pid = await started({ ...BASE, INVOCATION_ID: 'abc', SUPERVISOR_ENABLED: '1', LANG: 'de_DE' });
  const of = async (supervisor: string, written: Partial<ServiceFile>) => {
    const { variables } = await environmentsOf(desired(written), status(pid, supervisor));
    return Object.fromEntries(variables.map((one) => [one.name, [one.from.kind, one.state]]));
  };
  expect(await of('systemd', {})).toMatchObject({
    INVOCATION_ID: ['supervisor', 'unknown'],
    SUPERVISOR_ENABLED: ['other', 'extra'],
    LANG: ['base', 'differs'],
  });
  expect(await of('supervisord/main', {})).toMatchObject({ SUPERVISOR_ENABLED: ['supervisor', 'unknown'] });
  expect(await of('systemd', { unit: 'web.service' })).toMatchObject({ LANG: ['other', 'unknown'] });
});

it('shows what is no service of the desired state any more, its values to nobody', async () => {
  const pid = await started({ MODE: 'hunter2' });
  const gone = await environmentsOf(desired({}), { ...status(pid), name: 'gone' });
  expect(gone).toMatchObject({
    isDeclared: false,
    variables: [{ name: 'MODE', from: { kind: 'other' }, declared: null, running: '***', state: 'unknown' }],
  });
  expect(environmentText(gone, { style: PLAIN, width: 100 })).toBe(`\
gone  pid ${pid}
it is not in the desired state: what its next start would have is not known
name  value  from
MODE  ***    -
`);
});
