import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ruleOf } from '../../../../src/fields.ts';
import type { Service } from '../../../../src/model.ts';
import { SUPERVISORD_FIELDS } from '../../../../src/supervisors/supervisord/fields.ts';
import { SYSTEMD_FIELDS } from '../../../../src/supervisors/systemd/fields.ts';
import { defined, service } from './make.ts';

it('has exactly one rule for every leaf of the schema, and none besides', () => {
  // That of systemd is compared with the schema itself.
  const leaves = Object.keys(SYSTEMD_FIELDS).filter((field) => field !== 'raw.systemd.live');
  expect(Object.keys(SUPERVISORD_FIELDS).sort()).toEqual(leaves.sort());
  for (const leaf of leaves)
    expect(ruleOf(SUPERVISORD_FIELDS, leaf.replace('*', 'ANY'))).toBe(SUPERVISORD_FIELDS[leaf]);
});

it('says why wherever a field is refused', () => {
  for (const rule of Object.values(SUPERVISORD_FIELDS)) if (rule.by === 'refused') expect(rule.note).toBeTruthy();
});

interface Frozen {
  readonly name: string;
  readonly written: Service['written'];
  readonly inputs: Service['inputs'];
  readonly hash: string;
}

const stamps = new URL('../../stamps.json', import.meta.url);
const frozen = JSON.parse(readFileSync(stamps, 'utf8')) as readonly Frozen[];

/** Where its output goes takes no new process here, so that these are not as elsewhere. Never change one. */
const OWN: Readonly<Record<string, string>> = {
  'the full example': '4432b0ab60fcb5df',
  'the full example with live fields changed: the same hash': '4432b0ab60fcb5df',
  'the full example with another content of a file': '9ee0edd86ea5585b',
  'the full example with a file that could not be read': '32dbda9cf70fde7f',
  'log files': 'ce4713d3a9cd2e17',
  'one log file': 'ce4713d3a9cd2e17',
};

it.each(frozen)('never changes the hash of $name', ({ name, written, inputs, hash }) => {
  expect(defined({ ...service({}, { inputs }), written }).hash).toBe(OWN[name] ?? hash);
});
