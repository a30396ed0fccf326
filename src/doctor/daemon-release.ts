import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { beganAt, commandOf, linkOf, statOf } from '../host/procfs.ts';
import { type Finding, warning } from './finding.ts';
import { restartOf } from './see-daemon.ts';
import { versionIn } from './tool.ts';

/** Does it run what is on the disk? */
export function releaseFindings(pid: number, version: string): readonly Finding[] {
  const code = commandOf(pid).find((arg) => /\/cli\.(js|ts)$/.test(arg));
  const stat = statOf(pid);
  if (code === undefined || stat === undefined) return [];
  const mend = [restartOf(pid)];
  // Of a release that `current` led to once its Node tells which it was.
  const exe = (linkOf(pid, 'exe') ?? '').replace(/ \(deleted\)$/, '');
  const [, started] = /^(.*\/releases\/[^/]+)\/node\/bin\/node$/.exec(exe) ?? [];
  const folder = started ?? dirname(dirname(code));
  const theirs = versionIn(folder);
  if (theirs !== undefined && theirs !== version)
    return [
      warning('daemon-version', `the daemon is version ${theirs}, and this command ${version}`, {
        evidence: [folder],
        hint: 'its services keep their processes when it is restarted',
        mend,
      }),
    ];
  const now = existsSync(code) ? realpathSync(dirname(dirname(code))) : undefined;
  const replaced = started !== undefined && now !== started;
  const rebuilt = started === undefined && now !== undefined && statSync(code).mtimeMs > beganAt(stat) + 1000;
  if (!replaced && !rebuilt) return [];
  return [
    warning('daemon-version', 'the daemon runs an older release than is installed', {
      evidence: [`it was started from ${folder}`, `there is ${now ?? 'nothing any more'}`],
      hint: 'its services keep their processes when it is restarted',
      mend,
    }),
  ];
}
