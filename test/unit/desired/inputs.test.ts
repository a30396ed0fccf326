import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { readInputs } from '../../../src/desired/inputs.ts';
import { checkSafety } from '../../../src/desired/safety.ts';
import { folder, put, SLEEP, valid } from './folder.ts';

const root = process.getuid?.() === 0;
const KEY = Buffer.alloc(32, 1);

/** The services of a desired state whose one service has these lines. */
async function services(lines: string) {
  return (await valid(folder({ 'services/web.yaml': SLEEP + lines }))).services;
}

describe('inputs', () => {
  test('are digests of the files that belong to the definition, and change with their content', async () => {
    const host = folder({ 'a.toml': 'a', 'b.env': 'A=1\n' });
    chmodSync(host, 0o755);
    const declared = await services(`restartOn: [${host}/a.toml]\nenvironmentFiles: [${host}/b.env]\n`);
    const read = (key = KEY) => readInputs(declared, key).services[0]?.inputs ?? {};
    const [toml, env] = [`restartOn:${host}/a.toml`, `environmentFiles:${host}/b.env`];
    const first = read();
    expect(first[toml]).toBe('ca978112ca1bbdca');
    expect(first[env]).toMatch(/^[0-9a-f]{16}$/);
    expect(read()).toEqual(first);
    expect(read(Buffer.alloc(32, 2))[env]).not.toBe(first[env]);
    put(host, { 'b.env': 'A=2\n' });
    expect(read()[toml]).toBe(first[toml]);
    expect(read()[env]).not.toBe(first[env]);
  });

  test('that are there already stay, and a service that has all is the same', async () => {
    const host = folder({ 'a.toml': 'a' });
    const [declared] = await services(`restartOn: [${host}/a.toml, ${host}/none.toml]\n`);
    if (declared === undefined) throw new Error('no service');
    const preset = { ...declared, inputs: { [`restartOn:${host}/none.toml`]: '0123456789abcdef' } };
    const { services: read, problems } = readInputs([preset], KEY);
    expect(problems.size).toBe(0);
    expect(read[0]?.inputs).toEqual({ ...preset.inputs, [`restartOn:${host}/a.toml`]: 'ca978112ca1bbdca' });
    const [whole] = read;
    if (whole === undefined) throw new Error('no service');
    expect(readInputs([whole], KEY).services[0]).toBe(whole);
  });

  test('that are missing, a folder, a fifo or a device are the problem of each service that names them', async () => {
    const host = folder();
    mkdirSync(join(host, 'folder'));
    spawnSync('mkfifo', [join(host, 'fifo')]);
    const told = async (path: string) => {
      const { problems } = readInputs(await services(`restartOn: [${path}]\ninstances: 2\n`), KEY);
      expect([...problems.keys()]).toEqual(['web@1', 'web@2']);
      return problems.get('web@2');
    };
    expect(await told(`${host}/none`)).toMatchObject({
      summary: `cannot read ${host}/none: no such file or directory`,
      file: 'services/web.yaml',
      field: 'restartOn',
    });
    expect((await told(`${host}/folder`))?.summary).toBe(`cannot read ${host}/folder: it is not a file`);
    expect((await told(`${host}/fifo`))?.summary).toBe(`cannot read ${host}/fifo: it is not a file`);
    expect((await told('/dev/zero'))?.summary).toBe('cannot read /dev/zero: it is not a file');
  });

  test('of an absent service are not asked for', async () => {
    const { problems } = readInputs(await services('state: absent\nrestartOn: [/none]\n'), KEY);
    expect(problems.size).toBe(0);
  });

  test.runIf(root)('as root, an environment file that others can write is refused', async () => {
    const host = folder({ 'a.env': 'A=1\n', 'b.env': 'B=1\n', 'deep/c.env': 'C=1\n' });
    const refused = async (file: string) => {
      const { problems } = readInputs(await services(`environmentFiles: [${host}/${file}]\n`), KEY);
      return problems.get('web')?.summary;
    };
    expect(await refused('a.env')).toBeUndefined();
    chmodSync(join(host, 'a.env'), 0o666);
    expect(await refused('a.env')).toBe(`cannot use ${host}/a.env as root: others can write ${host}/a.env`);
    chownSync(join(host, 'b.env'), 1, 1);
    expect(await refused('b.env')).toBe(`cannot use ${host}/b.env as root: others can write ${host}/b.env`);
    chmodSync(join(host, 'deep'), 0o777);
    expect(await refused('deep/c.env')).toBe(`cannot use ${host}/deep/c.env as root: others can write ${host}/deep`);
  });
});

describe.runIf(root)('as root', () => {
  test('a desired state that root alone can write is fine, also below a sticky folder', () => {
    expect(checkSafety(folder({ 'services/web.yaml': SLEEP }))).toEqual([]);
  });

  test('one that others can write is refused, whatever part of it', () => {
    const ways: ((path: string) => void)[] = [
      (path) => chmodSync(path, 0o777),
      (path) => chmodSync(join(path, 'services'), 0o775),
      (path) => chmodSync(join(path, 'services/web.yaml'), 0o606),
      (path) => chownSync(join(path, 'services/web.yaml'), 1, 1),
      (path) => symlinkSync(`${loose()}/x.yaml`, join(path, 'services/x.yaml')),
    ];
    for (const way of ways) {
      const path = folder({ 'services/web.yaml': SLEEP });
      way(path);
      expect(
        checkSafety(path).map(({ code }) => code),
        String(way),
      ).toEqual(['unsafe-path']);
    }
  });

  test('one below a folder that others can write is refused', () => {
    const above = folder({ 'state/services/web.yaml': SLEEP });
    chmodSync(above, 0o777);
    expect(checkSafety(join(above, 'state'))[0]?.summary).toContain(`others can write ${above}`);
  });
});

test('for a user who is not root nothing is refused', () => {
  const path = folder({ 'services/web.yaml': SLEEP });
  chmodSync(path, 0o777);
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  expect(checkSafety(path)).toEqual([]);
});

function loose(): string {
  const path = folder({ 'x.yaml': SLEEP });
  chmodSync(join(path, 'x.yaml'), 0o666);
  return path;
}
