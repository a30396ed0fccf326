import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Exit } from '../../../../src/model.ts';
import { Incarnation } from '../../../../src/supervisors/builtin/incarnation.ts';
import { launch } from '../../../../src/supervisors/builtin/launch.ts';
import { createScanner } from '../../../../src/supervisors/builtin/scan.ts';
import { shimArguments } from '../../../../src/supervisors/builtin/shim.ts';

it.each([true, false])('what is killed before its process is there is killed when it is (tree: %s)', async (tree) => {
  const folder = mkdtempSync(join(tmpdir(), 'incarnation-'));
  execFileSync('mkfifo', [join(folder, 'alive')]);
  const over = Promise.withResolvers<Exit>();
  const now = new Incarnation(
    {
      folder,
      identity: { owner: 'incarnation-test', id: 'web' },
      scanner: createScanner(),
      stop: () => ({ signal: 'SIGWINCH', timeout: 0, tree }),
    },
    { up: () => {}, unseen: () => {}, over: over.resolve },
  );
  now.ask();
  await now.kill();
  const environment = { PATH: '/usr/bin:/bin', RECONCILED_DEFINITION: 'v1:incarnation-test:web::h' };
  const command = ['sleep', '1000'];
  const options = { umask: '022', openFiles: undefined, oomScore: '', gated: false, environment, command };
  const child = launch({
    folder,
    logs: { stdout: '/dev/null', stderr: '/dev/null', maxSize: 1e6, keep: 1, written: true },
    defaultLogs: folder,
    directory: '/',
    environment,
    gated: false,
    shim: shimArguments(folder, options),
  });
  now.born(child.pid ?? 0, 'h');
  // With its shim nobody is left to tell how it ended.
  expect(await over.promise).toEqual(tree ? { kind: 'unknown' } : { kind: 'signal', signal: 'SIGKILL' });
  rmSync(folder, { recursive: true });
});
