import { describe, expect, it } from 'vitest';
import { lastOtherwise } from '../../../src/verify/otherwise.ts';
import { at, desired, service } from './declare.ts';

const version = (value: string) => service('web', { environment: { VERSION: value } });
const commits = new Map(
  [
    desired([], at('a')),
    desired([version('1')], at('b')),
    desired([version('2')], at('c')),
    desired([version('2'), service('api')], at('d')),
  ].map((one) => [one.revision.commit, one]),
);
const book = { history: [at('a'), at('b'), at('c'), at('d')] };
const loadAt = async (commit: string) => commits.get(commit) ?? desired([], at(commit));

describe('the last good commit at which a service was otherwise', () => {
  it('is not the one before, where that said the same', async () => {
    expect(await lastOtherwise(desired([version('2')], at('e')), book, 'web', loadAt)).toBe(at('b').commit);
    expect(await lastOtherwise(desired([version('3')], at('e')), book, 'web', loadAt)).toBe(at('d').commit);
  });

  it('is none where it was not there before, or is not there', async () => {
    expect(
      await lastOtherwise(desired([version('1')], at('b')), { history: [at('a')] }, 'web', loadAt),
    ).toBeUndefined();
    expect(await lastOtherwise(desired([], at('e')), book, 'web', loadAt)).toBeUndefined();
  });
});
