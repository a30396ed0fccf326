import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/verify/digest.ts';
import { type Quarantine, withQuarantine } from '../../../src/verify/quarantine.ts';
import { at, desired, service } from './declare.ts';

const web = service('web', { environment: { VERSION: '2' } });
const old = service('web', { environment: { VERSION: '1' } });
const api = service('api', { start: { after: ['web'] } });
const entry = { why: 'it fell over', at: 5 };
const of = (services: Quarantine['services'], revision = at('b')): Quarantine => ({
  of: revision,
  at: 5,
  by: 'verify',
  services,
});

describe('what is quarantined', () => {
  const git = desired([api, web], at('b'));

  it('is as it was before, and all else as Git says', () => {
    const made = withQuarantine(git, of({ web: { to: old, revision: 'a', ...entry } }));
    expect(made.services).toEqual([api, old]);
    expect(made.quarantined?.get('web')).toEqual({
      kind: 'quarantined',
      commit: `b${'0'.repeat(11)}`,
      to: 'a',
      ...entry,
    });
    expect(made.git?.services).toBe(git.services);
    expect(withQuarantine(made, of({ web: { to: old, ...entry } })).git?.services).toBe(git.services);
  });

  it('is not there where it was not, and back where Git has lost it', () => {
    const gone = service('gone', { start: { after: ['nobody'] } });
    const made = withQuarantine(git, of({ web: { to: 'absent', ...entry }, gone: { to: gone, ...entry } }));
    expect(made.services.map(({ id, state, after }) => [id, state, after])).toEqual([
      ['api', 'running', ['web']],
      ['gone', 'running', []],
      ['web', 'absent', []],
    ]);
  });

  it('is so for that revision alone', () => {
    const quarantine = of({ web: { to: old, ...entry } });
    expect(withQuarantine(desired([web], at('c')), quarantine).services).toEqual([web]);
    const { content } = at('b');
    expect(withQuarantine(desired([web], { content }), quarantine).services).toEqual([old]);
    expect(withQuarantine(desired([web], { ...at('c'), content }), quarantine).services).toEqual([web]);
  });
});

describe('what is quarantined of a pool', () => {
  const pool = (events: string, count: number) => {
    const raw = { supervisord: [['eventlistener', 'events', events]] } as never;
    return Array.from({ length: count }, (_, i) => ({
      ...service('ear', { supervisor: 'supervisord/x', instances: count, raw }),
      id: `ear@${i + 1}`,
      instance: i + 1,
    }));
  };
  const [old] = pool('TICK_5', 3);
  const made = (services: readonly ReturnType<typeof service>[], to: Quarantine['services'][string]['to']) =>
    withQuarantine(desired([api, ...services], at('b')), of({ 'ear@1': { to, revision: 'a', ...entry } }));

  it('is quarantined of all of it: it can only be changed together', () => {
    for (const count of [2, 4]) {
      const { services, quarantined } = made(pool('TICK_60', count), old as NonNullable<typeof old>);
      const states = services
        .slice(1)
        .map(({ id, instance, state, written }) => [id, instance, state, written.instances]);
      const gone = count === 4 ? [['ear@4', 4, 'absent', 4]] : [];
      expect(states).toEqual([...[1, 2, 3].map((i) => [`ear@${i}`, i, 'running', 3]), ...gone]);
      expect(quarantined?.get('ear@2')?.why).toBe('ear@1: it fell over');
    }
  });

  it('is all gone where it was not there, and left alone by itself', () => {
    expect(made(pool('TICK_60', 2), 'absent').services.map(({ state }) => state)).toEqual([
      'running',
      'absent',
      'absent',
    ]);
    expect([...(made(pool('TICK_60', 2), 'as-git').quarantined?.keys() ?? [])]).toEqual(['ear@1']);
  });

  it('of programs is of that one alone', () => {
    const programs = pool('', 2).map((one) => ({ ...one, written: { ...one.written, raw: {} } }));
    expect([...(made(programs, programs[0] as never).quarantined?.keys() ?? [])]).toEqual(['ear@1']);
  });
});

it('a service is the same after it was written to a file and read again', () => {
  const odd = service('web', { environment: { B: '1', A: '2' } });
  const again = JSON.parse(JSON.stringify({ ...odd, group: undefined })) as typeof odd;
  expect(digestOf(again)).toBe(digestOf(odd));
  expect(digestOf({ ...odd, written: { ...odd.written, description: undefined as never } })).toBe(digestOf(odd));
});
