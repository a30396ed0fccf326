import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isHeldBy, readHolds } from '../../../src/control/holds.ts';
import { endHolds, keepHolds } from '../../../src/control/keep-holds.ts';
import type { Held, Plan } from '../../../src/model.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'reconciled-holds-'));
  mkdirSync(join(stateDir, 'decisions'));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const UNTIL = Date.now() + 60_000;

/** A person stops these, and this is held. */
async function stopped(ids: readonly string[], held: readonly Held[] = []): Promise<readonly string[]> {
  const plan: Plan = { version: 1, revision: 'x', fingerprint: 'x', steps: [], held, notices: [] };
  const stop = { names: ids, until: UNTIL, why: 'stopped by hand', by: 'ann' };
  await keepHolds(stateDir, { stop }, { plan, stops: new Set(ids) }, () => true);
  return readHolds(stateDir).map(({ name }) => name);
}

describe('what a person holds', () => {
  it('is a service, one of its instances, or what either was called before', () => {
    const web2 = { name: 'web', id: 'web@2', formerly: ['site'] };
    const held = (name: string) => isHeldBy({ name }, web2);
    expect(['web', 'web@2', 'site', 'site@2'].map(held)).toEqual([true, true, true, true]);
    expect(['web@1', 'site@1', 'w'].map(held)).toEqual([false, false, false]);
    expect(isHeldBy({ name: 'site' }, { name: 'web', id: 'web', formerly: ['site'] })).toBe(true);
  });

  it('is what was stopped, also where it is quarantined, but not what could not be stopped', async () => {
    const quarantined = { kind: 'quarantined', commit: 'abc', why: 'it fell over', at: 1 } as const;
    const foreign = { kind: 'foreign', owner: 'bob' } as const;
    const held = [
      { service: 'web', supervisor: 'builtin', reason: quarantined },
      { service: 'api', supervisor: 'builtin', reason: foreign },
    ] as const;
    expect(await stopped(['api', 'db', 'web'], held)).toEqual(['db', 'web']);
  });

  it('is held no more once it is named, or its service is', async () => {
    await stopped(['api', 'web@1', 'web@2']);
    expect((await endHolds(stateDir, ['web'])).map(({ name }) => name)).toEqual(['web@1', 'web@2']);
    expect((await endHolds(stateDir, ['web', 'api@1'])).map(({ name }) => name)).toEqual([]);
    expect(readHolds(stateDir).map(({ name }) => name)).toEqual(['api']);
  });
});
