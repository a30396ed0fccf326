import { existsSync } from 'node:fs';
import type { Desired } from '../model.ts';
import { Failure } from '../problem.ts';
import { openLink } from '../supervisors/systemd/link.ts';
import { MANAGER, MANAGER_PATH } from '../supervisors/systemd/signals.ts';
import { bad, type Finding, ok, warning } from './finding.ts';
import { type Check, desiredIfThere } from './means.ts';

/** The oldest that is supported, and the first that can make a backoff true by itself. */
const OLDEST = 252;
const BACKOFF = 254;

/** The systemd that services are under: of the host for root, one's own for others. */
export const systemd: Check = {
  topic: 'systemd',
  look: async (means, signal) => {
    const desired = await desiredIfThere(means);
    const scope = means.uid === 0 ? 'system' : 'user';
    const used = usesSystemd(desired);
    if (!existsSync('/run/systemd/system') && !used)
      return [ok('systemd', 'systemd does not run this host, and nothing needs it')];
    const whose = scope === 'system' ? "the host's systemd" : 'your own systemd';
    try {
      const seen = await ask(scope, signal);
      return judge(seen, { used, whose, backoff: hasBackoff(desired) });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const [problem] = error.problems;
      const summary = problem?.summary ?? 'cannot reach systemd';
      if (!used) return [ok('systemd', `${whose} is not reached, and nothing needs it`, { evidence: [summary] })];
      return [
        bad(
          'systemd',
          `${whose} runs services, and is not reached: ${summary}`,
          mendOf(problem?.code, scope, problem?.hint),
        ),
      ];
    }
  },
};

/** What a systemd says of itself. */
export interface Seen {
  /** `252 (252.39-1~deb12u1)` */
  readonly version: string;
  /** running, degraded, starting, stopping, maintenance */
  readonly state: string;
  readonly tainted: string;
  readonly failed: number;
  readonly controlGroups: 'unified' | 'hybrid or legacy';
}

async function ask(scope: 'system' | 'user', signal: AbortSignal): Promise<Seen> {
  const link = await openLink(scope, { signal: () => undefined, down: () => undefined, up: () => undefined }, signal);
  try {
    const get = async (name: string) => {
      const call = { path: MANAGER_PATH, interface: 'org.freedesktop.DBus.Properties', member: 'Get' };
      const [value] = await link.call('ask systemd', { ...call, signature: 'ss', body: [MANAGER, name], reads: true });
      return plainOf(value);
    };
    const [version, state, tainted, failed] = await Promise.all(
      ['Version', 'SystemState', 'Tainted', 'NFailedUnits'].map(get),
    );
    const controlGroups = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'unified' : 'hybrid or legacy';
    return {
      ...{ version: String(version), state: String(state), tainted: String(tainted ?? '') },
      failed: Number(failed ?? 0),
      controlGroups,
    };
  } finally {
    link.close();
  }
}

/** What is in a variant, whatever a library wraps it in. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return plainOf(value.at(-1));
  if (typeof value === 'object' && value !== null && 'value' in value) return plainOf(value.value);
  return value;
}

/** Pure. */
export function judge(
  { version, state, tainted, failed, controlGroups }: Seen,
  { used, whose, backoff }: { readonly used: boolean; readonly whose: string; readonly backoff: boolean },
): readonly Finding[] {
  const number = Number(/\d+/.exec(version)?.[0] ?? 0);
  const found: Finding[] = [];
  if (number < OLDEST) {
    const grade = used ? bad : warning;
    const hint = 'take `builtin` or a supervisord for services of this host, or a newer distribution';
    found.push(
      grade('systemd-version', `systemd ${version} is too old: ${OLDEST} is the oldest that is supported`, { hint }),
    );
  }
  if (state === 'stopping' || state === 'maintenance')
    found.push(bad('systemd-state', `${whose} is ${state}: it starts nothing`, { mend: ['systemctl list-jobs'] }));
  const flaws = tainted.split(':').filter((flaw) => TAINTS[flaw] !== undefined);
  for (const flaw of flaws)
    found.push(
      warning('systemd-tainted', `${whose} says of itself that it is not whole: ${flaw}`, { hint: TAINTS[flaw] ?? '' }),
    );
  if (found.length > 0) return found;
  const evidence = [
    `${state}${failed === 0 ? '' : `, ${failed} failed ${failed === 1 ? 'unit' : 'units'} of anybody's`}; control groups: ${controlGroups}`,
    ...(backoff && number < BACKOFF
      ? [`before ${BACKOFF} it has no growing backoff: the daemon makes \`restart.backoff\` true`]
      : []),
  ];
  return [ok('systemd', `${whose} answers: systemd ${version}`, { evidence })];
}

/** Of those that it knows, what matters here (org.freedesktop.systemd1(5)). */
const TAINTS: Readonly<Record<string, string>> = {
  'cgroups-missing': 'the kernel has no control groups: processes of a unit can not be told apart',
  'local-hwclock': 'the hardware clock is in local time: times go back when it is set at boot',
  'short-uid-range': 'not all users are known here: it runs in a container that maps few',
  'short-gid-range': 'not all groups are known here: it runs in a container that maps few',
  'support-ended': 'this distribution gets no more updates',
};

function mendOf(code: string | undefined, scope: 'system' | 'user', hint: string | undefined) {
  const mend =
    code === 'no-bus' && scope === 'system'
      ? ['apt-get install dbus', 'systemctl start dbus.socket']
      : code === 'no-bus' || code === 'no-systemd'
        ? ['loginctl enable-linger "$(id -un)"']
        : [];
  return { ...(hint === undefined ? {} : { hint }), ...(mend.length === 0 ? {} : { mend }) };
}

function usesSystemd(desired: Desired | undefined): boolean {
  return desired?.services.some(({ supervisor, state }) => supervisor === 'systemd' && state !== 'absent') ?? false;
}

function hasBackoff(desired: Desired | undefined): boolean {
  return (
    desired?.services.some(
      ({ supervisor, written }) => supervisor === 'systemd' && written.restart?.backoff !== undefined,
    ) ?? false
  );
}
