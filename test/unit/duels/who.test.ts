import { expect, it } from 'vitest';
import { deedsOf } from '../../../src/duels/deeds.ts';
import type { Sighting } from '../../../src/duels/glance.ts';
import type { Subject, Witness } from '../../../src/duels/samples.ts';
import { whoDid } from '../../../src/duels/who.ts';

const UNIT: Subject = { name: 'web.service', handle: { kind: 'unit', unit: 'web.service', user: false } };
const PROGRAM: Subject = { name: 'program web:web', handle: { kind: 'program', group: 'web', program: 'web' } };

let pids = 100;
const witness = (command: string, uid = 0): Witness => {
  pids += 1;
  const argv = command.split(' ');
  return { pid: pids, start: pids, argv, comm: argv[0] ?? '', uid, began: 0 };
};
const seen = (process: Witness, parents: readonly Witness[] = [], login?: number): Sighting => ({
  job: { process, deeds: deedsOf(process.argv), parents, firstSeen: 0, lastSeen: 0 },
  login,
});
const userOf = (uid: number) => ({ 0: 'root', 1000: 'ann' })[uid] ?? `uid ${uid}`;

it('names the person who typed it, also behind sudo, and what was typed', () => {
  const sudo = [witness('sudo systemctl stop web'), witness('-bash', 1000)];
  expect(whoDid('stopped', UNIT, [seen(witness('systemctl stop web'), sudo)], userOf)).toBe(
    'ann (`systemctl stop web`)',
  );
  expect(whoDid('stopped', UNIT, [seen(witness('systemctl stop web'), [witness('-bash')], 1000)], userOf)).toBe(
    'ann (`systemctl stop web`)',
  );
  expect(whoDid('stopped', PROGRAM, [seen(witness('python3 /usr/bin/supervisorctl stop web'))], userOf)).toBe(
    'root (`python3 /usr/bin/supervisorctl stop web`)',
  );
});

it('names the program that did it, where one did', () => {
  const by = whoDid('stopped', UNIT, [seen(witness('systemctl stop web'), [witness('python3 health.py')])], userOf);
  expect(by).toMatch(/^pid \d+ `python3 health.py` started by hand by root$/);
});

it('names nobody for what did something else, or to another', () => {
  const others = ['systemctl start web', 'systemctl stop db', 'systemctl status web'].map((one) => seen(witness(one)));
  expect(whoDid('stopped', UNIT, others, userOf)).toBeUndefined();
  expect(whoDid('started', UNIT, others, userOf)).toBe('root (`systemctl start web`)');
  expect(whoDid('stopped', UNIT, [], userOf)).toBeUndefined();
});
