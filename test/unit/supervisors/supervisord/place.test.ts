import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { placeOf } from '../../../../src/supervisors/supervisord/place.ts';
import { OTHERS } from './make.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-place-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function problemOf(config: string) {
  return placeOf({ ...OTHERS, config, include: join(folder, 'conf.d') }, '', false).problem;
}

it('of a supervisord of others tells what is wrong with its configuration', () => {
  const config = join(folder, 'supervisord.conf');
  expect(problemOf(config)).toMatchObject({
    summary: `cannot read ${config}: no such file or directory`,
    hint: 'name the one that its supervisord was started with',
  });
  mkdirSync(config);
  expect(problemOf(config)?.summary).toMatch(/^cannot read .*: /);
  rmSync(config, { recursive: true });
  writeFileSync(config, '[supervisord]\n');
  expect(problemOf(config)?.summary).toBe(`cannot ask the supervisord of ${config}: it has no [unix_http_server]`);
  writeFileSync(config, `[supervisord]\n[unix_http_server]\nfile=${folder}/s.sock\n`);
  expect(problemOf(config)).toBeUndefined();
});
