import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partsText, programsFile, readParts } from '../../src/supervisors/supervisord/programs-file.ts';
import { until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { createSupervisordHost, type SupervisordHost } from '../rig/supervisord/host.ts';

const STATES = ['running', 'stopped', 'manual', 'disabled', 'absent'] as const;
type State = (typeof STATES)[number];

const FAILS = { command: ['/bin/false'], start: { ready: '1s', retries: 0 } };

/** Where a service is before its state is declared: what Git said first, and what happened to it since. */
interface Start {
  readonly words: string;
  /** What is declared and applied first; nothing where it is not there at all. */
  readonly declared?: object;
  /** The exit code of that apply. */
  readonly code?: 0 | 3;
  /** Done to all of this starting point, by name. */
  readonly made?: (host: SupervisordHost, names: readonly string[]) => Promise<void>;
  /** Does it run then? */
  readonly runs: boolean;
  /** It is made to run as Git says though it can't: it ends FATAL. */
  readonly broken?: true;
}

/** Changes the parts of the programs file of these services, as somebody with an editor would. */
const change = (host: SupervisordHost, names: readonly string[], how: (text: string) => string | undefined) => {
  const path = programsFile(host, host.owner);
  const texts = new Map(readParts(path)?.texts);
  for (const name of names) {
    const text = how(texts.get(name) ?? '');
    if (text === undefined) texts.delete(name);
    else texts.set(name, text);
  }
  writeFileSync(path, partsText(texts));
};
const edit = (host: SupervisordHost, names: readonly string[]) =>
  change(host, names, (text) => text.replace(/^command=.*$/m, 'command=/bin/sleep 999'));
const remove = (host: SupervisordHost, names: readonly string[]) => change(host, names, () => undefined);

const STARTS: readonly Start[] = [
  { words: 'absent', runs: false },
  { words: 'running', declared: {}, runs: true },
  { words: 'stopped', declared: { state: 'stopped' }, runs: false },
  { words: 'waiting for a first start', declared: { autostart: false }, runs: false },
  { words: 'fatal', declared: FAILS, code: 3, runs: false, broken: true },
  {
    words: 'ended as it may',
    declared: { command: ['/bin/true'], restart: { policy: 'on-failure' } },
    runs: false,
  },
  {
    words: 'stopped by hand',
    declared: {},
    made: async (host, names) => void (await host.supervisorctl('stop', ...names)),
    runs: false,
  },
  {
    words: 'started by hand',
    declared: { state: 'stopped' },
    made: async (host, names) => void (await host.supervisorctl('start', ...names)),
    runs: true,
  },
  {
    words: 'removed by hand',
    declared: {},
    made: async (host, names) => {
      await host.supervisorctl('stop', ...names);
      await host.supervisorctl('remove', ...names);
    },
    runs: false,
  },
  { words: 'edited by hand', declared: {}, made: async (host, names) => edit(host, names), runs: true },
  {
    words: 'edited and updated by hand',
    declared: {},
    made: async (host, names) => {
      edit(host, names);
      await host.supervisorctl('reread');
      for (const name of names) await host.supervisorctl('update', name);
    },
    runs: true,
  },
  {
    words: 'running, and its file removed',
    declared: {},
    made: async (host, names) => remove(host, names),
    runs: true,
  },
  {
    words: 'stopped, and its file removed',
    declared: { state: 'stopped' },
    made: async (host, names) => remove(host, names),
    runs: false,
  },
];

const slug = (start: Start, state: State) => `${start.words.replace(/[^a-z]+/g, '-')}-${state}`;
const PAIRS = STARTS.flatMap((start) => STATES.map((state) => ({ start, state, name: slug(start, state) })));
const BYSTANDERS = ['bystander', 'grouped-one', 'grouped-two', 'stranger'];

describeWithSupervisord('every state from every starting point', () => {
  let host: SupervisordHost;
  let before: Readonly<Record<string, number>>;
  let foreseen: readonly string[];
  let said: string;
  let after: Readonly<Record<string, number>>;
  let next: readonly string[];
  let states: Readonly<Record<string, string>>;

  const pids = async (): Promise<Record<string, number>> => {
    const lines = (await host.supervisorctl('status')).split('\n');
    return Object.fromEntries(
      lines.flatMap((line) => {
        const [, name, pid] = /^(\S+)\s+(?:RUNNING|STARTING)\s+pid (\d+)/.exec(line) ?? [];
        return name === undefined ? [] : [[name, Number(pid)]];
      }),
    );
  };

  beforeAll(async () => {
    host = await createSupervisordHost({ more: '[program:stranger]\ncommand=/bin/sleep 2000000\n' });
    await host.start();
    host.write('policy.yaml', `${readFileSync(join(host.desired, 'policy.yaml'), 'utf8')}drift: heal\n`);
    host.declare('bystander');
    host.declare('grouped-one', { group: 'pod' });
    host.declare('grouped-two', { group: 'pod' });
    for (const { start, name } of PAIRS) if (start.declared !== undefined) host.declare(name, start.declared);
    await host.apply(3);
    for (const start of STARTS) {
      await start.made?.(
        host,
        PAIRS.filter((pair) => pair.start === start).map(({ name }) => name),
      );
    }
    await until(async () => (await host.states())['ended-as-it-may-running'] === 'EXITED');
    before = await pids();
    for (const { start, state, name } of PAIRS) host.declare(name, { ...start.declared, autostart: undefined, state });
    foreseen = await host.plan();
    said = await host.apply(3);
    after = await pids();
    states = await host.states();
    next = await host.plan();
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  it.each(PAIRS)('$start.words -> $state', ({ start, state, name }) => {
    const told = `${said}\n${next.join('\n')}\n${states[name]}`;
    const broken = start.broken === true && state === 'running';
    expect(
      next.filter((line) => line.split(/[: ]/).includes(name) && !line.startsWith('=')),
      told,
    ).toEqual(broken ? [`! ${name} fatal`] : []);
    switch (state) {
      case 'running':
        if (start.declared !== undefined && 'restart' in start.declared) expect(states[name], told).toBe('EXITED');
        else expect(states[name], told).toBe(broken ? 'FATAL' : 'RUNNING');
        break;
      case 'stopped':
      case 'disabled':
        expect(after[name], told).toBeUndefined();
        break;
      case 'manual':
        expect(after[name], told).toBe(before[name]);
        expect(after[name] !== undefined, told).toBe(start.runs);
        break;
      case 'absent':
        // What is in no file any more, and has no process, has nothing left that says whose it is: it is not touched.
        expect(states[name], told).toBe(start.words === 'stopped, and its file removed' ? 'STOPPED' : undefined);
        expect(readParts(programsFile(host, host.owner))?.texts.has(name)).toBe(false);
        break;
    }
  });

  it('keeps the pids of what ran and still should, as the dry run had foretold', () => {
    for (const { start, state, name } of PAIRS) {
      if (state !== 'running' || !start.runs || start.words === 'edited and updated by hand') continue;
      expect(after[name], name).toBe(before[name]);
      expect(foreseen.filter((line) => /^(restart|replace|stop):/.test(line))).not.toContain(`restart:${name}`);
    }
  });

  it('touches nobody else, in a group of ours neither', () => {
    for (const name of BYSTANDERS) {
      expect(before[name], name).toBeGreaterThan(1);
      expect(after[name], name).toBe(before[name]);
    }
  });

  describe('a group of ours', () => {
    it('keeps its other members when one is added, changed and removed', async () => {
      const was = await pids();
      host.declare('grouped-three', { group: 'pod' });
      host.declare('grouped-one', { group: 'pod', environment: { CHANGED: '1' } });
      await host.apply(3);
      const is = await pids();
      expect(is['grouped-three']).toBeGreaterThan(1);
      expect(is['grouped-one']).not.toBe(was['grouped-one']);
      expect(is['grouped-two']).toBe(was['grouped-two']);
      host.declare('grouped-three', { group: 'pod', state: 'absent' });
      await host.apply(3);
      const last = await pids();
      expect(last['grouped-three']).toBeUndefined();
      expect([last['grouped-one'], last['grouped-two']]).toEqual([is['grouped-one'], is['grouped-two']]);
    });
  });
});
