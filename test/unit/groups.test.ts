import { describe, expect, it } from 'vitest';
import { expandGroups, namedAlike, unknownName } from '../../src/groups.ts';
import type { Service } from '../../src/model.ts';
import { Failure } from '../../src/problem.ts';

const service = (id: string, group?: string, state: Service['state'] = 'running') =>
  ({ id, name: id.split('@')[0] ?? id, state, ...(group === undefined ? {} : { group }) }) as Service;

const SERVICES = [
  service('a', 'dolphin'),
  service('b', 'dolphin', 'disabled'),
  service('c', 'whale'),
  service('d'),
  service('web@1', 'front'),
  service('web@2', 'front'),
  service('web-old', 'front', 'stopped'),
  service('whale'),
];
const problemsOf = (names: readonly string[]) => {
  try {
    expandGroups(names, SERVICES);
  } catch (error) {
    return (error as Failure).problems.map(({ code, summary, hint }) => `${code}: ${summary} (${hint})`);
  }
  return [];
};

describe('names as people give them', () => {
  it.each([
    [
      ['dolphin:*', 'a', 'd'],
      ['a', 'b', 'd'],
    ],
    [['dolphin'], ['a', 'b']],
    [['dolphin:a'], ['a']],
    [['front:web*'], ['web@1', 'web@2', 'web-old']],
    [['web'], ['web']],
    [['web@2'], ['web@2']],
    [['web@*'], ['web@1', 'web@2']],
    [['web?[12]'], ['web@1', 'web@2']],
    [['[!a-w]*', 'c', '*'], undefined],
    [['*'], ['a', 'b', 'c', 'd', 'web@1', 'web@2', 'web-old', 'whale']],
    [['?'], ['a', 'b', 'c', 'd']],
    [
      ['[bc]', 'b'],
      ['b', 'c'],
    ],
    // A service goes before a group of its name; the group has a name of its own.
    [['whale'], ['whale']],
    [['whale:*'], ['c']],
    // For others to judge: Git may have it no more, and it is there all the same.
    [['nobody'], ['nobody']],
  ])('takes %j for %j', (names, ids) => {
    if (ids === undefined) expect(() => expandGroups(names, SERVICES)).toThrow(Failure);
    else expect(expandGroups(names, SERVICES)).toEqual(ids);
  });

  it('leaves out what is not to run where it is about starting, unless it is named itself', () => {
    expect(expandGroups(['dolphin:*'], SERVICES, true)).toEqual(['a']);
    expect(expandGroups(['dolphin'], SERVICES, true)).toEqual(['a']);
    expect(expandGroups(['web*'], SERVICES, true)).toEqual(['web@1', 'web@2']);
    expect(expandGroups(['dolphin:b', 'web-old'], SERVICES, true)).toEqual(['b', 'web-old']);
  });

  it('refuses groups and patterns that have nobody, all at once, and tells the nearest', () => {
    expect(problemsOf(['dolfin:*', 'x:*', 'dolphin:e', 'front:web-odl', 'zz*', '[z-a]'])).toEqual([
      "unknown-group: no service is in a group called 'dolfin' (did you mean 'dolphin:*'?)",
      "unknown-group: no service is in a group called 'x' (there are dolphin, front, whale)",
      "unknown-service: no service of the group 'dolphin' is called 'e' (did you mean 'dolphin:a'?)",
      "unknown-service: no service of the group 'front' is called 'web-odl' (did you mean 'front:web-old'?)",
      "unknown-service: no service's name fits 'zz*' (`reconcile status` lists them)",
      "unknown-service: no service's name fits '[z-a]' (`reconcile status` lists them)",
    ]);
  });

  it('tells what is the name of a service and of a group as well', () => {
    expect(namedAlike(['whale', 'dolphin', 'a', 'whale:*'], SERVICES)).toEqual(['whale']);
    expect(unknownName('dolpin', SERVICES).hint).toBe("did you mean 'dolphin'?");
    expect(unknownName('web@3', SERVICES).hint).toBe("did you mean 'web@1'?");
    expect(unknownName('eeeeeee', SERVICES).hint).toBe('`reconcile status` lists them');
  });
});
