import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/capture/make.ts';
import { undoChanges, writeChanges } from '../../../src/capture/write.ts';
import { folder, put } from '../desired/folder.ts';

const change = (root: string, path: string, from: string | undefined, to: string): Change => {
  return { path, real: join(root, path), from, to };
};
const read = (root: string, path: string) => readFileSync(join(root, path), 'utf8');

describe('an edit of several files', () => {
  it('is written whole, with the modes there were, and can be undone', () => {
    const root = folder({ 'services/a.yaml': 'a', 'services/b.yaml': 'b' });
    chmodSync(join(root, 'services/a.yaml'), 0o640);
    const all = [
      change(root, 'services/a.yaml', 'a', 'A'),
      change(root, 'hosts/h/services/new.yaml', undefined, 'N'),
      change(root, 'services/b.yaml', 'b', 'B'),
    ];
    writeChanges(all);
    expect([read(root, 'services/a.yaml'), read(root, 'services/b.yaml')]).toEqual(['A', 'B']);
    expect(read(root, 'hosts/h/services/new.yaml')).toBe('N');
    expect(statSync(join(root, 'services/a.yaml')).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(root, 'services')).sort()).toEqual(['a.yaml', 'b.yaml']);
    // What somebody has changed since is his.
    put(root, { 'services/b.yaml': 'mine' });
    expect(undoChanges(all).map(({ path }) => path)).toEqual(['services/b.yaml']);
    expect(read(root, 'services/a.yaml')).toBe('a');
    expect(readdirSync(join(root, 'hosts/h/services'))).toEqual([]);
  });

  it('is not written at all where one has changed meanwhile, is being edited, or is read-only', () => {
    const root = folder({ 'a.yaml': 'a', 'b.yaml': 'somebody was here' });
    const a = change(root, 'a.yaml', 'a', 'A');
    const refused = (of: Change, reason: string) => {
      expect(() => writeChanges([a, change(root, 'c/new.yaml', undefined, 'N'), of])).toThrow(reason);
      expect(read(root, 'a.yaml')).toBe('a');
      expect(
        readdirSync(root)
          .filter((name) => name !== '.b.yaml.edit')
          .sort(),
      ).toEqual(['a.yaml', 'b.yaml']);
    };
    refused(change(root, 'b.yaml', 'b', 'B'), 'cannot write b.yaml: somebody has changed it since it was read');
    const b = change(root, 'b.yaml', 'somebody was here', 'B');
    put(root, { '.b.yaml.edit': '' });
    refused(b, 'cannot write b.yaml: another edit of it is under way');
    // One that was cut off is in nobody's way for long.
    const before = new Date(Date.now() - 120_000);
    utimesSync(join(root, '.b.yaml.edit'), before, before);
    chmodSync(join(root, 'b.yaml'), 0o444);
    refused(b, 'cannot write b.yaml: it is read-only, for everybody');
    chmodSync(join(root, 'b.yaml'), 0o644);
    writeChanges([a, b]);
    expect(read(root, 'b.yaml')).toBe('B');
    expect(readdirSync(root).sort()).toEqual(['a.yaml', 'b.yaml']);
  });

  it('leaves links links', () => {
    const root = folder({ 'shared/web.yaml': 'a', 'services/x.yaml': '' });
    symlinkSync('../shared/web.yaml', join(root, 'services/web.yaml'));
    writeChanges([{ path: 'services/web.yaml', real: join(root, 'shared/web.yaml'), from: 'a', to: 'A' }]);
    expect(lstatSync(join(root, 'services/web.yaml')).isSymbolicLink()).toBe(true);
    expect(read(root, 'services/web.yaml')).toBe('A');
  });
});
