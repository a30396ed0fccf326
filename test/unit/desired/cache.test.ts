import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keyOf, openCache } from '../../../src/desired/cache.ts';
import { load } from '../../../src/desired/load.ts';
import { folder, problems, put, SLEEP, valid } from './folder.ts';

const FILES = {
  'hosts/dolphin.yaml': 'labels: [prod]\n',
  'labels/prod/services/web.yaml': 'user: x\n',
  'policy.yaml': 'owner: blue\n',
  'services/web.yaml': SLEEP,
  'services/api.yaml': `${SLEEP}instances: 2\ndirectory: ./here\n`,
};

describe('the cache', () => {
  test('changes nothing about what is loaded', async () => {
    const root = folder(FILES);
    const cache = join(folder(), 'deep/down/cache.json');
    const [without, first, second] = [await valid(root), await valid(root, cache), await valid(root, cache)];
    expect(statSync(cache).mode & 0o777).toBe(0o600);
    for (const desired of [first, second]) {
      expect({ ...desired, locate: 0 }).toEqual({ ...without, locate: 0 });
    }
  });

  test('is not written again when nothing changed, and forgets what is gone', async () => {
    const root = folder(FILES);
    const cache = join(folder(), 'cache.json');
    await valid(root, cache);
    const { ino } = statSync(cache);
    await valid(root, cache);
    expect(statSync(cache).ino).toBe(ino);
    put(root, { 'services/web.yaml': `${SLEEP}group: new\n` });
    await valid(root, cache);
    expect(JSON.parse(readFileSync(cache, 'utf8').split('\n')[1] ?? '')).toHaveLength(4);
  });

  test.each([
    ['empty', () => ''],
    ['no JSON', () => 'x'],
    ['cut', (text: string) => text.slice(0, -10)],
    ['changed within', (text: string) => text.replace('/bin/sleep', '/bin/false')],
    ['of another version', (text: string) => text.replace(/^./, (c) => (c === '0' ? '1' : '0'))],
  ])('that is %s is no cache', async (_, damage) => {
    const root = folder(FILES);
    const cache = join(folder(), 'cache.json');
    const desired = await valid(root, cache);
    writeFileSync(cache, damage(readFileSync(cache, 'utf8')));
    expect((await valid(root, cache)).services).toEqual(desired.services);
  });

  test('that can’t be written is none, without a word', async () => {
    const root = folder(FILES);
    const blocked = join(folder({ file: 'x' }), 'file/cache.json');
    expect((await valid(root, blocked)).services).toHaveLength(3);
    expect(existsSync(blocked)).toBe(false);
  });

  test('gives the same services as long as nothing of them changes', async () => {
    const root = folder(FILES);
    const cache = openCache(join(folder(), 'cache.json'));
    const services = async () => {
      const loaded = await load({ directory: root, hostname: 'dolphin', cache });
      return loaded.kind === 'valid'
        ? new Map(loaded.desired.services.map((service) => [service.id, service]))
        : undefined;
    };
    const first = await services();
    put(root, { 'services/api.yaml': `${SLEEP}instances: 2\n` });
    const second = await services();
    expect(second?.get('web')).toBe(first?.get('web'));
    expect(second?.get('api@1')).not.toBe(first?.get('api@1'));
    expect(second?.get('api@1')?.written.directory).toBeUndefined();
  });

  test('keeps rules across files in force', async () => {
    const root = folder(FILES);
    const cache = join(folder(), 'cache.json');
    put(root, { 'services/web.yaml': `${SLEEP}start: { after: [api] }\n` });
    await valid(root, cache);
    put(root, { 'services/web.yaml': SLEEP, 'services/x.yaml': `${SLEEP}start: { after: [web] }\n` });
    await valid(root, cache);
    put(root, { 'services/api.yaml': `${SLEEP}formerly: [web]\n` });
    expect((await problems(root, cache)).map(({ code }) => code)).toEqual(['formerly']);
  });

  test('tells the same bytes apart by what they are', () => {
    const source = { file: 'x', bytes: Buffer.from('a: 1'), hash: 'h' };
    const stack = (kind: 'base' | 'host') => ({ name: 'x', layers: [{ kind, source }] as const });
    expect(keyOf('service', stack('base'))).not.toBe(keyOf('policy', stack('base')));
    expect(keyOf('service', stack('base'))).not.toBe(keyOf('service', stack('host')));
  });

  test('may be absent or unreadable', () => {
    expect(openCache(join(folder(), 'none')).get('x')).toBeUndefined();
    const file = join(folder({ c: 'x' }), 'c');
    chmodSync(file, 0);
    expect(openCache(file).get('x')).toBeUndefined();
  });
});
