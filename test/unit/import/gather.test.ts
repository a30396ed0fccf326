import { expect, it } from 'vitest';
import type { Found, ProgramsFound } from '../../../src/import/found.ts';
import { choiceOf, gather, isMeant, type Readers } from '../../../src/import/gather.ts';
import type { UnitsOptions } from '../../../src/import/units-options.ts';

function unit(name: string, path: string): Found {
  return {
    kind: 'imported',
    origin: { kind: 'unit', unit: `${name}.service`, path, manager: 'system' },
    name,
    service: { supervisor: 'systemd', command: ['/opt/x'] },
    comments: new Map(),
    secrets: {},
    losses: [],
  };
}

/** What was asked for, and two units of a host: a person's and a package's. */
function readers(): Readers & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    units: async ({ units = [] }: UnitsOptions) => {
      asked.push(`units ${units}`);
      return [unit('mine', '/etc/systemd/system/mine.service'), unit('ssh', '/usr/lib/systemd/system/ssh.service')];
    },
    programs: async (config): Promise<ProgramsFound> => {
      asked.push(`programs ${config}`);
      return { supervisor: undefined, found: [], notices: [{ code: 'x', summary: `odd: ${config}` }] };
    },
    configs: async () => ['/etc/a.conf', '/etc/b.conf'],
  };
}

it('where nothing is named, all that people have set up and that starts by itself', () => {
  expect(choiceOf({})).toMatchObject({ units: true, supervisord: true, cron: true, processes: false, all: false });
  expect(choiceOf({ all: true })).toMatchObject({ units: true, supervisord: true, cron: true, processes: true });
  expect(choiceOf({ cron: true })).toMatchObject({ units: false, supervisord: false, cron: true, processes: false });
  expect(choiceOf({ pids: [7] })).toMatchObject({ units: false, supervisord: false, cron: false, pids: [7] });
  expect(choiceOf({ pids: [] })).toMatchObject({ units: true });
});

it('units of packages are left to them, unless they are named or all is asked for', async () => {
  const names = async (asked: Parameters<typeof choiceOf>[0]) => {
    const { found, packaged } = await gather({ ...choiceOf(asked), cron: false }, readers(), 'builtin');
    return [found.map((one) => one.kind === 'imported' && one.name), packaged];
  };
  expect(await names({ units: true })).toEqual([['mine'], ['ssh.service']]);
  expect(await names({ units: ['ssh', 'mine'] })).toEqual([['mine', 'ssh'], []]);
  expect(await names({ units: true, all: true })).toEqual([['mine', 'ssh'], []]);
});

it('what is odd about a supervisord that holds nothing is told only of one that was named', async () => {
  const all = readers();
  expect((await gather(choiceOf({ supervisord: true }), all, 'builtin')).notices).toEqual([]);
  expect(all.asked).toEqual(['programs /etc/a.conf', 'programs /etc/b.conf']);
  const named = await gather(choiceOf({ supervisord: ['/etc/c.conf'] }), readers(), 'builtin');
  expect(named.notices.map(({ summary }) => summary)).toEqual(['odd: /etc/c.conf']);
});

it('names are those of services, units and programs, and patterns of them', () => {
  const web = unit('web', '/etc/systemd/system/web.service');
  expect([['web'], ['web.service'], ['w*'], ['x', 'we?']].map((names) => isMeant(web, names))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([['we'], ['*.timer'], []].map((names) => isMeant(web, names))).toEqual([false, false, false]);
});
