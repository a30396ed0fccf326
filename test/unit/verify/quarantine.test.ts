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

it('a service is the same after it was written to a file and read again', () => {
  const odd = service('web', { environment: { B: '1', A: '2' } });
  const again = JSON.parse(JSON.stringify({ ...odd, group: undefined })) as typeof odd;
  expect(digestOf(again)).toBe(digestOf(odd));
  expect(digestOf({ ...odd, written: { ...odd.written, description: undefined as never } })).toBe(digestOf(odd));
});
