import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { guarded, unguarded } from '../../src/guard.ts';
import type { HostFolder, Step } from '../../src/model.ts';
import { runs } from '../../src/supervisors/builtin/scan.ts';
import { makeFolders } from '../../src/supervisors/shared/folders.ts';
import { folder } from './desired/folder.ts';
import { define, service } from './planner/make.ts';

const COMMAND = ['/usr/bin/supervisord', '--nodaemon', '--configuration', '/etc/dolphin.conf'];

describe('a guarded command', () => {
  it('is known for what it runs in the end', () => {
    expect(unguarded(guarded('/run/s.sock', COMMAND))).toEqual(COMMAND);
    expect(unguarded(COMMAND)).toEqual(COMMAND);
    expect(unguarded(guarded('/run/s.sock'))).toEqual(guarded('/run/s.sock'));
  });

  it('is the same process before and after it has become that', () => {
    const guard = guarded('/run/s.sock', COMMAND);
    expect(runs(guard, guard)).toBe(true);
    expect(runs(['/usr/bin/python3', ...COMMAND], guard)).toBe(true);
    expect(runs(['/usr/bin/python3', ...COMMAND.slice(0, 3), '/etc/whale.conf'], guard)).toBe(false);
    expect(runs(guarded('/run/s.sock', ['/bin/true']), guard)).toBe(false);
  });
});

describe('the folders of what is to be started', () => {
  const start = (effect: Step['effect'], ...folders: HostFolder[]): Step => {
    const web = service('web', { folders });
    return {
      id: 'start:web',
      service: 'web',
      supervisor: 'builtin',
      action: 'start',
      reason: { kind: 'asked' },
      effect,
      after: [],
      seen: { kind: 'absent' },
      target: { service: web, definition: define(web) },
    };
  };

  it('are made where they are missing, with their mode, and left alone where they are there', async () => {
    const root = folder();
    const [logs, open, there] = ['a/b/logs', 'open', 'there'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(there, { mode: 0o700 });
    const step = start('start', { path: logs, mode: 0o750 }, { path: open }, { path: there });
    expect(await makeFolders([step])).toEqual(new Map());
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect([logs, join(root, 'a'), open, there].map(mode)).toEqual([0o750, 0o755, 0o755, 0o700]);
  });

  it('are not made for what is not started, and are told where they can not be made', async () => {
    const root = folder({ file: 'x' });
    await makeFolders([start('stop', { path: join(root, 'no') })]);
    expect(existsSync(join(root, 'no'))).toBe(false);
    const refused = await makeFolders([start('restart', { path: join(root, 'file/below') })]);
    expect(refused.get('start:web')?.summary).toContain(`cannot start web: cannot make ${root}/file/below: `);
    const stranger = await makeFolders([start('start', { path: join(root, 'x'), user: 'nobody-of-that-name' })]);
    if (process.getuid?.() === 0) {
      expect(stranger.get('start:web')?.summary).toContain("there is no user 'nobody-of-that-name'");
    }
  });
});
