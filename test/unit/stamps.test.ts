import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Service } from '../../src/model.ts';
import { formatStamp, parseStamp } from '../../src/stamp.ts';
import { BUILTIN_FIELDS } from '../../src/supervisors/builtin/fields.ts';
import { defineBy } from '../../src/supervisors/fields.ts';
import { service } from './planner/make.ts';

interface Frozen {
  readonly name: string;
  readonly written: Service['written'];
  readonly inputs: Service['inputs'];
  readonly hash: string;
}

/**
 * Hashes as they are on hosts by now. Never change one, and never make one again from today's code: a changed hash
 * restarts every service of everybody who upgrades. New cases may be added.
 */
const frozen = JSON.parse(readFileSync(new URL('stamps.json', import.meta.url), 'utf8')) as readonly Frozen[];

it('has at least 30 frozen definitions', () => {
  expect(frozen.length).toBeGreaterThanOrEqual(30);
});

it.each(frozen)('never changes the hash of $name', ({ written, inputs, hash }) => {
  expect(defineBy(BUILTIN_FIELDS, 'builtin', { ...service('x', { inputs }), written })).toMatchObject({ hash });
});

it('stamps owner, service, instance and hash, and reads nothing but whole stamps of version 1', () => {
  expect(formatStamp('default', 'web@2', '9af1')).toBe('v1:default:web:2:9af1');
  expect(parseStamp('v1:default:web::9af1')).toEqual({ owner: 'default', service: 'web', instance: '', hash: '9af1' });
  for (const text of [
    '',
    'v2:default:web::9af1',
    'v1:default:web:9af1',
    'v1:default:web::',
    'v1::web::9af1',
    'v1:a:b:c:d:e',
  ]) {
    expect(parseStamp(text)).toBeUndefined();
  }
});
