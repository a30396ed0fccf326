import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkAbandoned } from '../../src/abandoned.ts';
import { readUsed, saveUsed } from '../../src/decisions.ts';
import { instanceOf } from '../../src/desired/instances.ts';
import type { Instance } from '../../src/instance.ts';
import { Failure } from '../../src/problem.ts';
import { programText } from '../../src/supervisors/supervisord/program-text.ts';
import { partsText } from '../../src/supervisors/supervisord/programs-file.ts';
import { isDeclared, usedAfter } from '../../src/used.ts';
import { folder, put } from './desired/folder.ts';
import { desired } from './planner/make.ts';

const PLACES = { root: true, runtime: '/run', logDir: '/var/log/reconciled' };
const MORE = { fields: {}, made: '1', autostart: true, startsecs: 1, settings: '', stderrLog: '' };

function instance(include: string, name = 'dolphin'): Instance {
  return instanceOf(name, `supervisors/${name}.yaml`, { config: `/etc/${name}.conf`, include }, PLACES);
}

function program(id: string, owner = 'default'): string {
  return programText({ owner, id, hash: 'abc' }, '', `program:${id}`, [['command', '/bin/true']], MORE);
}

function refusal(before: readonly Instance[], now: readonly Instance[]): string | undefined {
  try {
    checkAbandoned(before, { ...desired([]), instances: now });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems.map(({ summary }) => summary).join('\n');
  }
}

describe('a supervisord that Git does not have any more', () => {
  it('is refused as long as something of ours is under it', () => {
    const include = folder({
      'reconciled-default.conf': partsText(
        new Map([
          ['web', program('web')],
          ['api', program('api')],
        ]),
      ),
      'reconciled-red.conf': partsText(new Map([['theirs', program('theirs', 'red')]])),
      'hand.conf': '[program:hand]\ncommand=/bin/true\n',
      'notes.txt': program('notes'),
    });
    const gone = 'cannot remove supervisors/dolphin.yaml: its supervisord still holds api, web';
    expect(refusal([instance(include)], [])).toBe(gone);
    expect(refusal([instance(include)], [instance('/etc/elsewhere.d')])).toBe(
      `cannot change include in supervisors/dolphin.yaml: ${include} still holds api, web`,
    );
    expect(refusal([instance(include)], [instance(include, 'whale')])).toBe(gone);
    expect(refusal([instance(include)], [instance(include)])).toBeUndefined();
    rmSync(join(include, 'reconciled-default.conf'));
    expect(refusal([instance(include)], [])).toBeUndefined();
  });

  it('may go where its folder is gone, but not where that can not be read', () => {
    expect(refusal([instance('/nonexistent/dolphin.d')], [])).toBeUndefined();
    const root = folder({ 'dolphin.d': 'a file\n' });
    expect(refusal([instance(join(root, 'dolphin.d'))], [])).toContain("can't be read");
  });
});

describe('what is remembered of supervisors', () => {
  const stateDir = () => {
    const root = folder();
    mkdirSync(join(root, 'decisions'));
    return root;
  };
  const file = (root: string) => join(root, 'decisions', 'supervisors.json');

  it('is read as older versions wrote it', () => {
    const root = stateDir();
    expect(readUsed(root)).toEqual({ names: [], instances: [] });
    put(root, { 'decisions/supervisors.json': '["systemd"]\n' });
    expect(readUsed(root)).toEqual({ names: ['systemd'], instances: [] });
  });

  it('is read as it was written, and written only where it has changed', () => {
    const root = stateDir();
    const used = { names: ['supervisord/dolphin', 'systemd'] as const, instances: [instance('/etc/dolphin.d')] };
    saveUsed(root, { names: [], instances: [] }, used);
    expect(readUsed(root)).toEqual(JSON.parse(JSON.stringify(used)));
    const text = readFileSync(file(root), 'utf8');
    chmodSync(file(root), 0o600);
    rmSync(file(root));
    saveUsed(root, used, { ...used });
    expect(() => readFileSync(file(root))).toThrow();
    put(root, { 'decisions/supervisors.json': text.replace('"include":', '"exclude":') });
    expect(() => readUsed(root)).toThrow(Failure);
  });

  it('holds those that have something of ours, and forgets those that Git has not any more', () => {
    const dolphin = instance('/etc/dolphin.d');
    const now = { ...desired([]), instances: [dolphin] };
    const plan = { version: 1, revision: '', fingerprint: '', steps: [], held: [], notices: [] } as const;
    const used = { names: ['supervisord/dolphin', 'supervisord/whale', 'systemd'], instances: [dolphin] } as const;
    const nothing = { kind: 'read', objects: [] } as const;
    const after = (dolphins: typeof nothing | { kind: 'unreadable'; problem: { code: string; summary: string } }) =>
      usedAfter(
        used,
        now,
        new Map([
          ['systemd', nothing],
          ['supervisord/dolphin', dolphins],
        ] as const),
        plan,
        false,
      );
    expect(after(nothing)).toEqual({ names: [], instances: [] });
    const unread = { kind: 'unreadable', problem: { code: 'x', summary: 'x' } } as const;
    expect(after(unread)).toEqual({ names: ['supervisord/dolphin'], instances: [dolphin] });
    expect(isDeclared('supervisord/whale', now)).toBe(false);
    expect(isDeclared('systemd', now)).toBe(true);
  });
});
