import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statOf } from '../../../../src/host/procfs.ts';
import type { Disk } from '../../../../src/supervisors/systemd/disk.ts';
import { besides, type Sight, supersededBy } from '../../../../src/supervisors/systemd/sight.ts';
import { listOnce, relink, unitLinks, unlink } from '../../../../src/supervisors/systemd/taker-links.ts';
import { type Mark, markOf, markText, readMarks } from '../../../../src/supervisors/systemd/taker-mark.ts';
import { groupFolder, signalAll } from '../../../../src/supervisors/systemd/taker-tree.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-taker-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mark: Mark = {
  taken: { owner: 'default', by: 'web@2', enabled: true, ran: false },
  links: { '/etc/systemd/system/multi-user.target.wants/old.service': '/lib/systemd/system/old.service' },
  active: false,
};

describe('the drop-in of a unit that a service takes the place of', () => {
  it('says so to people, blocks, and bears what was so before', () => {
    expect(markText(mark)).toBe(`# Written by reconciled for the service web of owner default.
# web@2 takes its place: while this file is here nobody can start this unit. Change the desired state instead.

[Unit]
ConditionPathExists=!/

[X-Reconciled]
Stamp=v1:default:web:2:superseded
Digest=904e3d8bdcdb3a79d991c5d53f08bfa9
Made=1 0
Fields={"active":false,"enabled":true,"links":{"/etc/systemd/system/multi-user.target.wants/old.service":"/lib/systemd/system/old.service"},"ran":false}
`);
  });

  it('gives back whatever it was given, on one line', () => {
    const name = fc.string({ minLength: 1, unit: 'binary' }).map((text) => `/${text.replaceAll('\0', '')}`);
    const marks = fc.record({
      taken: fc.record({
        owner: fc.constant('default'),
        by: fc.constantFrom('web', 'web@1'),
        enabled: fc.boolean(),
        ran: fc.boolean(),
      }),
      links: fc.dictionary(name, name),
      active: fc.boolean(),
    });
    fc.assert(
      fc.property(marks, (any) => {
        const text = markText(any);
        expect(text.split('\n')).toHaveLength(12);
        expect(markOf('for-good', '/any', text)).toMatchObject({ mark: any, blocks: true, intact: true });
      }),
    );
  });

  it('is no block where somebody took the condition out, and unreadable where its stamp is damaged', () => {
    const text = markText(mark);
    const without = markOf('for-good', '/any', text.replace('ConditionPathExists=!/\n', ''));
    expect(without).toMatchObject({ mark, blocks: false, intact: false });
    for (const damaged of [text.replace('v1:', 'v9:'), text.replace('Fields={', 'Fields='), '[Unit]\n']) {
      expect(() => markOf('for-good', '/any', damaged)).toThrow(/^cannot read what \/any says/);
    }
  });

  it('is read in both places, what is for good first; it is nothing of others', () => {
    const where = { scope: 'system', unitDir: folder } as const;
    expect(readMarks(where, 'old.service')).toEqual([]);
    const path = join(folder, 'old.service.d', '50-reconciled-superseded.conf');
    mkdirSync(join(folder, 'old.service.d'));
    writeFileSync(path, markText(mark));
    expect(readMarks(where, 'old.service')).toMatchObject([{ place: 'for-good', mark, file: { path, made: '1 0' } }]);
    const others = [
      '/etc/systemd/system/old.service.d/50-reconciled-superseded.conf',
      `${folder}/old.service.d/a.conf`,
    ];
    const disk: Pick<Disk, 'dropIns'> = { dropIns: () => [path, ...others] };
    const sight = { ...where, disk, owner: 'default' } as unknown as Sight;
    expect(besides(sight, 'old.service')).toEqual(others);
    expect(supersededBy(sight, 'old.service')).toMatchObject([{ mark }]);
    expect(supersededBy({ ...sight, owner: 'other' }, 'old.service')).toEqual([]);
  });
});

describe('links to a unit', () => {
  const all = () => unitLinks([folder], 'old.service', listOnce());

  it('are found whoever made them, taken away and put back as they were', () => {
    for (const name of ['a.target.wants', 'b.target.requires', 'c.target.upholds', 'old.service.d'])
      mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'old.service'), '');
    symlinkSync('../old.service', join(folder, 'a.target.wants', 'old.service'));
    symlinkSync('/nowhere/old.service', join(folder, 'b.target.requires', 'old.service'));
    symlinkSync('/elsewhere/other.service', join(folder, 'c.target.upholds', 'other.service'));
    symlinkSync('/lib/systemd/system/old.service', join(folder, 'alias.service'));
    symlinkSync('/lib/systemd/system/other.service', join(folder, 'another.service'));
    symlinkSync('/lib/systemd/system/old.service', join(folder, 'alias.socket'));
    const found = all();
    expect(found.map(({ path, starts }) => [path.slice(folder.length + 1), starts]).sort()).toEqual([
      ['a.target.wants/old.service', true],
      ['alias.service', false],
      ['b.target.requires/old.service', true],
    ]);
    const links = Object.fromEntries(found.map(({ path, target }) => [path, target]));
    expect(unlink(Object.keys(links))).toBe(true);
    expect(unlink(Object.keys(links))).toBe(false);
    expect(all()).toEqual([]);
    expect(readdirSync(join(folder, 'c.target.upholds'))).toEqual(['other.service']);
    rmSync(join(folder, 'a.target.wants'), { recursive: true });
    expect(relink(links)).toBe(true);
    expect(relink(links)).toBe(false);
    expect(all()).toEqual(found);
  });

  it('that somebody has put in their place meanwhile stay', () => {
    const path = join(folder, 'a.target.wants', 'old.service');
    mkdirSync(join(folder, 'a.target.wants'));
    symlinkSync('/theirs', path);
    expect(relink({ [path]: '/ours' })).toBe(false);
    expect(readlinkSync(path)).toBe('/theirs');
  });

  it('of generators are told apart: they come back by themselves', () => {
    for (const name of ['generator.late', 'system']) {
      const wants = join(folder, name, 'a.target.wants');
      mkdirSync(wants, { recursive: true });
      symlinkSync('../old.service', join(wants, 'old.service'));
    }
    const folders = ['generator.late', 'system'].map((name) => join(folder, name));
    expect(unitLinks(folders, 'old.service', listOnce()).map(({ made }) => made)).toEqual([false, true]);
  });
});

describe('signals', () => {
  it('reach only who is still the same', async () => {
    const child = spawn('sleep', ['1000']);
    const { pid = 0 } = child;
    const start = statOf(pid)?.start ?? 0;
    const ended = once(child, 'exit');
    signalAll([{ pid, start: start + 1 }], 'SIGKILL');
    expect(statOf(pid)?.state).not.toBe('Z');
    signalAll([{ pid, start }], 'SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
  });

  it('never are for all: the root of all groups is nobody’s', () => {
    expect(groupFolder('')).toBeUndefined();
    expect(groupFolder('/')).toBeUndefined();
    expect(groupFolder('/no/such.slice')).toBeUndefined();
  });
});
