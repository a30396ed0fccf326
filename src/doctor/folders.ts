import { accessSync, constants, existsSync, lstatSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writableByOthers } from '../desired/safety.ts';
import { why } from '../problem.ts';
import { checkSource } from '../sources.ts';
import { bad, type Finding, octal, ok, warning, word } from './finding.ts';
import type { Check, Means } from './means.ts';

/** The folders that are ours, and who else may read or write them. */
export const folders: Check = {
  topic: 'folders',
  look: async ({ config, uid }) => {
    const { runtimeDir, stateDir, logDir } = config;
    const all = { runtime: runtimeDir, state: stateDir, log: logDir } as const;
    const found = (Object.keys(all) as Kind[]).map((kind) => folderFindings(kind, all[kind], uid, Object.values(all)));
    return [...found.flat(), ...keyFindings(stateDir, uid), ...memoryFindings(stateDir), ...sourceFindings(config)];
  },
};

type Kind = 'runtime' | 'state' | 'log';

/** Of one folder of ours: it is made where there is none, it belongs to us, and nobody else can write it. `told`: are looked at themselves. */
export function folderFindings(kind: Kind, path: string, uid: number, told: readonly string[]): readonly Finding[] {
  const check = `${kind}-folder`;
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [missing(check, kind, path, uid)];
    const found = [...modeFindings(check, kind, path, uid), ...aboveFindings(check, path, told)];
    if (!mayWrite(path))
      found.push(bad(check, `cannot write to the ${kind} folder ${path}`, unwritable(path, uid, kind)));
    if (found.length > 0) return found;
    return [ok(check, `${kind} folder ${path}: mode ${octal(stat.mode)}, ours alone to write`)];
  } catch (error) {
    return [bad(check, `cannot look at the ${kind} folder ${path}: ${why(error)}`, unwritable(path, uid, kind))];
  }
}

function missing(check: string, kind: Kind, path: string, uid: number): Finding {
  const above = nearest(path);
  if (mayWrite(above)) return ok(check, `${kind} folder ${path}: there is none yet, and it can be made`);
  const mend = [uid === 0 ? `mkdir -p -m 0700 ${word(path)}` : `sudo install -d -m 0700 -o "$(id -un)" ${word(path)}`];
  const hint = `or choose another: --${kind}-dir DIR`;
  return bad(check, `cannot make the ${kind} folder ${path}: ${above} can't be written`, { hint, mend });
}

function modeFindings(check: string, kind: Kind, path: string, uid: number): Finding[] {
  const real = statSync(path);
  const evidence = [`${path}: mode ${octal(real.mode)}, user ${real.uid}`];
  if (!real.isDirectory())
    return [
      bad(check, `the ${kind} folder ${path} is no folder`, { mend: [`mv ${word(path)} ${word(`${path}.old`)}`] }),
    ];
  const found: Finding[] = [];
  if (real.uid !== uid && real.uid !== 0)
    found.push(
      bad(check, `the ${kind} folder ${path} belongs to another user`, {
        evidence,
        mend: [`chown ${uid} ${word(path)}`],
      }),
    );
  if ((real.mode & 0o022) !== 0)
    found.push(
      bad(check, `others can write the ${kind} folder ${path}, and so what is kept there`, {
        evidence,
        mend: [`chmod ${kind === 'log' ? 'go-w' : 'go-w,o-rwx'} ${word(path)}`],
      }),
    );
  // What was decided, and the digests' key; the runtime folder may be passed through by a group, but not by everybody.
  if (kind !== 'log' && (real.mode & 0o022) === 0 && (real.mode & 0o007) !== 0)
    found.push(
      warning(check, `others can look into the ${kind} folder ${path}`, {
        evidence,
        mend: [`chmod o-rwx ${word(path)}`],
      }),
    );
  return found;
}

/** As root: who can write a folder above can put another in its place. */
function aboveFindings(check: string, path: string, told: readonly string[]): Finding[] {
  const open = writableByOthers(path);
  if (open === undefined || told.includes(open)) return [];
  return [
    bad(check, `others can replace ${path}: they can write ${open}`, {
      mend: [`chown root ${word(open)} && chmod go-w ${word(open)}`],
    }),
  ];
}

/** The key under which digests of secrets are made tells nothing only while nobody else has it. */
function keyFindings(stateDir: string, uid: number): readonly Finding[] {
  const path = join(stateDir, 'key');
  const stat = lstatIfThere(path);
  if (stat === undefined || (stat.uid === uid && (stat.mode & 0o077) === 0)) return [];
  const evidence = [`${path}: mode ${octal(stat.mode)}, user ${stat.uid}`];
  return [
    bad('host-key', "others can read this host's key, by which secrets are compared", {
      evidence,
      mend: [`chown ${uid} ${word(path)} && chmod 0600 ${word(path)}`],
    }),
  ];
}

/** The magic numbers of tmpfs and ramfs (statfs(2)). */
const MEMORY = [0x01021994, 0x858458f6];

/** Decisions must outlive a boot. */
function memoryFindings(stateDir: string): readonly Finding[] {
  const above = nearest(stateDir);
  if (!MEMORY.includes(statfsSync(above).type)) return [];
  return [
    warning(
      'state-in-memory',
      `the state folder ${stateDir} is gone after a boot: holds and freezes are forgotten then`,
      {
        evidence: [`${above} is in memory (tmpfs)`],
        hint: 'choose one on a disk: --state-dir DIR, RECONCILE_STATE_DIR, stateDir in the configuration',
      },
    ),
  ];
}

/** As root: what says what runs must be nobody else's to write. */
function sourceFindings(config: Means['config']): readonly Finding[] {
  const { desiredState, git } = config;
  if (git === undefined && !existsSync(desiredState)) return [];
  const problems = checkSource(config);
  if (problems.length > 0)
    return problems.map(({ summary, hint }) =>
      bad('source-safety', summary, hint === undefined ? {} : { mend: [hint.replace(/, and the same.*$/, '')] }),
    );
  if (git === undefined) {
    const stat = statSync(desiredState);
    if ((stat.mode & 0o002) !== 0)
      return [
        warning('source-safety', `anybody can write ${desiredState}, and so say what runs as you`, {
          evidence: [`mode ${octal(stat.mode)}`],
          mend: [`chmod -R o-w ${word(desiredState)}`],
        }),
      ];
    if (!mayRead(desiredState))
      return [bad('source-safety', `cannot read ${desiredState}`, { mend: [`chmod u+rx ${word(desiredState)}`] })];
  }
  return [ok('source-safety', 'nobody else can write what says what runs')];
}

/** What belongs to somebody else, who may well have a daemon at work in it, is not to be taken from him. */
function unwritable(path: string, uid: number, kind: Kind): { readonly hint?: string; readonly mend?: string[] } {
  if (uid === 0) return { mend: [`chmod u+rwx ${word(path)}`] };
  const owner = (lstatIfThere(path) ?? lstatIfThere(nearest(path)))?.uid;
  if (owner === uid) return { mend: [`chmod u+rwx ${word(path)}`] };
  const whose = owner === 0 ? "root's" : owner === undefined ? "another user's" : `that of user ${owner}`;
  return { hint: `it is ${whose}: ask as him (sudo), or choose one of your own: --${kind}-dir DIR` };
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function mayWrite(path: string): boolean {
  return may(path, constants.W_OK | constants.X_OK);
}

function mayRead(path: string): boolean {
  return may(path, constants.R_OK | constants.X_OK);
}

function may(path: string, how: number): boolean {
  try {
    accessSync(path, how);
    return true;
  } catch {
    return false;
  }
}
