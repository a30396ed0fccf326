import { describe, expect, it } from 'vitest';
import { pairsOf } from '../../../../src/supervisors/supervisord/pairs.ts';

describe('an environment', () => {
  it.each([
    ['', {}],
    ['A=1', { A: '1' }],
    ['A="1",B=\'2\',C=3', { A: '1', B: '2', C: '3' }],
    ['A="a, b = c" , B="",', { A: 'a, b = c', B: '' }],
    ['A="it\'s"', { A: "it's" }],
    [`A='say "it"'`, { A: 'say "it' }],
    ['PATH=/usr/bin:/bin,URL=http://x:80/-+()', { PATH: '/usr/bin:/bin', URL: 'http://x:80/-+()' }],
    // Whatever stands for the comma is lost.
    ['A=1;B=2', { A: '1', B: '2' }],
    ['A=ab@c,D=1', undefined],
    ['A=1 # remark\n,B=2', { A: '1', B: '2' }],
    ['A=x#remark\ny,B=2', { A: 'xy', B: '2' }],
    ['A=pre"f, i"x', undefined],
    ['A=1,A=2', { A: '2' }],
    ['A="1" B="2"', undefined],
    ['A', undefined],
    ['A=', undefined],
    ['A="1', undefined],
    ['=1', undefined],
    ['A=é', { A: 'é' }],
  ])('%j', (text, pairs) => {
    expect(pairsOf(text)).toEqual(pairs);
  });

  it('may hold any name', () => {
    expect(Object.entries(pairsOf('__proto__=1,constructor=2') ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
  });
});
