import { describe, expect, it } from 'vitest';
import type { Desired, Service, Touch } from '../../../src/model.ts';
import { advice, choose, ends } from '../../../src/operate/choose.ts';

const service = (id: string, more: Partial<Service> = {}): Service =>
  ({
    id,
    name: id.split('@')[0],
    state: 'running',
    written: { supervisor: 'builtin' },
    file: `services/${id}.yaml`,
    ...more,
  }) as Service;
const desired = {
  services: [
    service('web@1', { group: 'front' }),
    service('web@2', { group: 'front' }),
    service('db', { group: 'back' }),
    service('gone', { group: 'back', state: 'absent' }),
    service('supervisord-dolphin', { runs: 'supervisord/dolphin' }),
  ],
} as unknown as Desired;
const chosen = (...names: string[]) =>
  choose(names, desired).map(({ service: { id }, itself }) => `${id}${itself ? '!' : ''}`);
const signal = (name: NodeJS.Signals): Touch => ({ kind: 'signal', signal: name, tree: false });

describe('whom a signal or a reload is for', () => {
  it.each([
    [['web'], ['web@1!', 'web@2!']],
    [
      ['web@2', 'back'],
      ['web@2!', 'db'],
    ],
    [['front:*'], ['web@1', 'web@2']],
    [['back:db'], ['db!']],
    // What runs others is meant where it is named alone; what is to be absent never by a pattern.
    [['*'], ['web@1', 'web@2', 'db']],
    [
      ['supervisord-dolphin', '*'],
      ['web@1', 'web@2', 'db', 'supervisord-dolphin!'],
    ],
  ])('takes %j for %j', (names, ids) => {
    expect(chosen(...names)).toEqual(ids);
  });

  it('refuses who is not there, and tells who may be meant', () => {
    expect(() => chosen('wbe')).toThrow("no service is called 'wbe'");
    expect(() => chosen('front:db')).toThrow("no service of the group 'front' is called 'db'");
    expect(() => chosen('z*')).toThrow("no service's name fits 'z*'");
  });
});

describe('what a signal is for', () => {
  const plain = service('web');
  const quits = service('web', { written: { supervisor: 'builtin', stop: { signal: 'QUIT' } } });
  const winds = service('web', { written: { supervisor: 'builtin', stop: { signal: 'USR1' } } });

  it.each([
    ['SIGTERM', plain, true],
    ['SIGKILL', plain, true],
    ['SIGQUIT', quits, true],
    ['SIGUSR1', winds, true],
    ['SIGTERM', winds, true],
    ['SIGHUP', plain, false],
    ['SIGUSR1', plain, false],
    ['SIGWINCH', plain, false],
  ] as const)('takes %s for an end where it is one', (name, one, is) => {
    expect(ends(signal(name), one)).toBe(is);
    expect(advice(signal(name), one) !== undefined).toBe(is);
  });

  it('tells what is better, and what would come of it', () => {
    expect(advice(signal('SIGTERM'), plain)).toEqual({
      code: 'use-stop',
      summary: 'cannot send SIGTERM to web: that ends it, and it would be taken for a crash, and started again',
      hint: '`reconcile stop web` stops it and has it left so, `reconcile restart web` gives it a new process; --force sends it all the same',
    });
    const never = service('web', { written: { supervisor: 'builtin', restart: { policy: 'never' } } });
    expect(advice(signal('SIGTERM'), never)?.summary).toContain('nobody would start it again');
    expect(advice(signal('SIGSTOP'), plain)?.summary).toContain('it would stand still until SIGCONT');
    expect(advice({ kind: 'reload' }, plain)).toBeUndefined();
  });
});
