import { existsSync, readFileSync } from 'node:fs';
import { self } from '../host/users.ts';
import { type Finding, ok, warning, word } from './finding.ts';
import { type Check, desiredIfThere } from './means.ts';
import { run, valuesIn } from './run.ts';

/** What this user may see, and what becomes of his services when he logs out. */
export const session: Check = {
  topic: 'user',
  look: async (means, signal) => {
    const { uid, environment } = means;
    const desired = await desiredIfThere(means);
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    const groups = process.getgroups?.() ?? [];
    const seen = judgeHidepid(mounts, uid, groups);
    if (uid === 0) return [ok('user', 'root: services can be of any user'), ...seen];
    const { name } = self();
    const units = desired?.services.some(({ supervisor }) => supervisor === 'systemd') ?? false;
    const own = desired?.services.some(({ supervisor }) => supervisor === 'builtin') ?? false;
    return [
      ...judgeLinger({
        name,
        lingers: existsSync(`/var/lib/systemd/linger/${name}`),
        units,
        kills: own && (await kills(signal)),
      }),
      ...judgeRuntime(environment.XDG_RUNTIME_DIR, uid),
      ...seen,
    ];
  },
};

/** Does logind end all that a session leaves behind? */
async function kills(signal: AbortSignal): Promise<boolean> {
  if (!existsSync('/run/systemd/system')) return false;
  const args = ['get-property', 'org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'];
  const { stdout } = await run('busctl', [...args, 'KillUserProcesses'], { signal });
  return stdout.trim() === 'b true' || valuesIn(stdout).KillUserProcesses === 'yes';
}

export interface Lingering {
  readonly name: string;
  readonly lingers: boolean;
  /** It has services under its own systemd. */
  readonly units: boolean;
  /** Its services of the embedded supervisor are ended with its session. */
  readonly kills: boolean;
}

/** Pure. */
export function judgeLinger({ name, lingers, units, kills }: Lingering): readonly Finding[] {
  if (lingers) return [ok('linger', `${name} lingers: services go on without a login, and are there after a boot`)];
  const mend = [`loginctl enable-linger ${word(name)}`];
  if (units)
    return [
      warning('linger', `services of ${name} under systemd end with the last logout, and do not start at boot`, {
        mend,
      }),
    ];
  if (kills)
    return [
      warning('linger', `services of ${name} end with the session that they were started in`, {
        evidence: ['logind: KillUserProcesses=yes'],
        mend,
      }),
    ];
  return [ok('linger', `${name} does not linger, and nothing needs it now`)];
}

function judgeRuntime(folder: string | undefined, uid: number): readonly Finding[] {
  const usual = `/run/user/${uid}`;
  if (folder || !existsSync(usual)) return [];
  return [
    warning(
      'runtime-dir',
      'XDG_RUNTIME_DIR is not set (sudo, cron): another runtime folder is taken than after a login',
      {
        evidence: [`${usual} is there`],
        mend: [`export XDG_RUNTIME_DIR=${usual}`],
      },
    ),
  ];
}

/** Pure: may processes of others be seen? By the lines of /proc/self/mountinfo. */
export function judgeHidepid(mounts: string, uid: number, groups: readonly number[]): readonly Finding[] {
  const line = mounts.split('\n').findLast((one) => / \/proc [^\n]* - proc /.test(one));
  const [, how] = /\bhidepid=(\w+)/.exec(line ?? '') ?? [];
  if (how === undefined || how === '0' || how === 'off') return [ok('proc', '/proc shows the processes of all users')];
  const [, gid] = /\bgid=(\d+)/.exec(line ?? '') ?? [];
  const may =
    uid === 0 && how !== '4' && how !== 'ptraceable' ? true : gid !== undefined && groups.includes(Number(gid));
  if (may) return [ok('proc', `/proc hides processes (hidepid=${how}), but not from us`)];
  const group = gid === undefined ? 'PROC_GROUP' : `"$(getent group ${gid} | cut -d: -f1)"`;
  return [
    warning('proc', `/proc hides the processes of others (hidepid=${how}): a copy that another user runs is not seen`, {
      evidence: [line ?? ''],
      hint: 'run it as root, or as a member of the group that /proc is mounted with (gid=)',
      mend: [gid === undefined ? 'mount -o remount,hidepid=0 /proc' : `usermod -aG ${group} "$(id -un)"`],
    }),
  ];
}
