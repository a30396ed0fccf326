import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDecision, writeDecision } from '../../../src/decisions.ts';
import { type DuelRecord, duelsLeft, readDuels, saveDuels } from '../../../src/duels/record.ts';

const store = { read: readDecision, write: writeDecision };
const WEB: DuelRecord = {
  service: 'web',
  rounds: 2,
  since: 1,
  until: 5000,
  wanted: 'a1',
  findings: [
    {
      subject: 'web.service',
      kind: 'restarted',
      times: [1, 2],
      certainty: 'seen',
      by: { pid: 4711, start: 7, command: 'guard', user: 'root', started: { kind: 'hand' } },
      runs: 'systemctl restart web',
      evidence: 'pid 4711',
    },
  ],
};

describe('recorded duels', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'duels-'));
    mkdirSync(join(folder, 'decisions'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = () => join(folder, 'decisions', 'duels.json');

  it('are read as they were written, and none where nothing was', () => {
    expect(readDuels(folder, store).size).toBe(0);
    const duels = new Map([['web', WEB]]);
    saveDuels(folder, new Map(), duels, store);
    expect(readDuels(folder, store)).toEqual(duels);
  });

  it('are not written where nothing has changed', () => {
    saveDuels(folder, new Map(), new Map(), store);
    expect(() => readFileSync(file())).toThrow('ENOENT');
  });

  it('that are damaged are an error, never none', () => {
    saveDuels(folder, new Map(), new Map([['web', WEB]]), store);
    for (const text of ['{', '{"version":2,"duels":[]}', '{"version":1,"duels":[{"service":"web"}]}']) {
      writeFileSync(file(), text);
      expect(() => readDuels(folder, store)).toThrow('duels.json');
    }
  });

  it('end when Git wants something else, when somebody asks, and with the service', () => {
    const duels = new Map([['web', WEB]]);
    expect(duelsLeft(duels, new Map([['web', 'a1']]))).toEqual(duels);
    expect(duelsLeft(duels, new Map([['web', 'b2']])).size).toBe(0);
    expect(duelsLeft(duels, new Map([['web', 'a1']]), new Set(['web'])).size).toBe(0);
    expect(duelsLeft(duels, new Map()).size).toBe(0);
  });
});
