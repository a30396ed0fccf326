import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readUsed } from '../../src/decisions.ts';
import { folderFindings } from '../../src/doctor/folders.ts';
import type { Failure } from '../../src/problem.ts';
import { folder } from './desired/folder.ts';

const NOBODY = 65534;

/** What it fails with for somebody else than root. */
function asNobody(act: () => unknown): Failure {
  process.seteuid?.(NOBODY);
  try {
    act();
  } catch (error) {
    return error as Failure;
  } finally {
    process.seteuid?.(0);
  }
  throw new Error('it did not fail');
}

it.runIf(process.getuid?.() === 0)("of what is another user's nobody is told to move it away or to take it", () => {
  const root = folder({ 'decisions/supervisors.json': '[]' });
  chmodSync(root, 0o755);
  chmodSync(join(root, 'decisions/supervisors.json'), 0o600);
  const [problem] = asNobody(() => readUsed(root)).problems;
  expect(problem).toMatchObject({
    code: 'decisions-unreadable',
    summary: `cannot read what was decided here (${root}/decisions/supervisors.json): permission denied`,
  });
  expect(problem?.hint).not.toContain('mv ');
  chmodSync(root, 0o700);
  let found: ReturnType<typeof folderFindings> = [];
  process.seteuid?.(NOBODY);
  try {
    found = folderFindings('state', join(root, 'state'), NOBODY, []);
  } finally {
    process.seteuid?.(0);
  }
  expect(JSON.stringify(found)).not.toContain('chown "$(id -un)"');
});
