import { existsSync } from 'node:fs';
import { cgroupsOf } from '../host/procfs.ts';
import { placesOf, UNIT } from '../service/places.ts';
import { bad, type Finding, ok, warning } from './finding.ts';
import type { Means } from './means.ts';
import { run, valuesIn } from './run.ts';
import { type DaemonSeen, pidOf } from './see-daemon.ts';

const PROPERTIES = 'ActiveState,SubState,UnitFileState,Result,NRestarts,KillMode,NeedDaemonReload,MainPID,NotifyAccess';

/** As root, where it is a service of the host. */
export async function unitFindings({ uid }: Means, seen: DaemonSeen, signal: AbortSignal): Promise<readonly Finding[]> {
  if (uid !== 0 || !existsSync('/run/systemd/system')) return [];
  const { unit } = placesOf();
  const there = existsSync(unit);
  const { stdout, code } = await run('systemctl', ['show', UNIT, `--property=${PROPERTIES}`], { signal });
  if (!there) {
    const pid = pidOf(seen);
    if (pid === undefined || cgroupsOf(pid)?.some((line) => line.endsWith('.service'))) return [];
    return [
      warning('daemon-unit', 'the daemon is no service of the host: after a boot nobody starts it', {
        mend: ['reconcile install', 'systemctl enable reconciled'],
      }),
    ];
  }
  if (code !== 0) return [warning('daemon-unit', 'systemd does not tell how reconciled.service is')];
  return judgeUnit(valuesIn(stdout), pidOf(seen));
}

/** Pure: what systemd says of the unit. */
export function judgeUnit(unit: Readonly<Record<string, string>>, pid: number | undefined): readonly Finding[] {
  const { ActiveState = '', SubState = '', UnitFileState = '', Result = '', KillMode = '' } = unit;
  const state = [`${ActiveState} (${SubState}), result ${Result}, restarted ${unit.NRestarts ?? 0} times`];
  const found: Finding[] = [];
  if (!['active', 'activating', 'reloading'].includes(ActiveState))
    found.push(
      bad('daemon-unit', 'reconciled.service is installed, and does not run', {
        evidence: state,
        hint: 'journalctl -u reconciled -n 50 tells why',
        mend: ['systemctl start reconciled'],
      }),
    );
  else if (Number(unit.NRestarts ?? 0) > 3)
    found.push(
      warning('daemon-unit', `systemd has had to restart the daemon ${unit.NRestarts} times`, {
        evidence: state,
        mend: ['journalctl -u reconciled -n 50'],
      }),
    );
  if (!UnitFileState.startsWith('enabled'))
    found.push(
      warning('daemon-boot', 'after a boot nobody starts the daemon', {
        evidence: [`reconciled.service is ${UnitFileState || 'not enabled'}`],
        mend: ['systemctl enable reconciled'],
      }),
    );
  if (KillMode !== '' && KillMode !== 'process')
    found.push(
      bad('daemon-kill-mode', `with the daemon its services would be ended: KillMode=${KillMode}`, {
        hint: 'a drop-in of somebody says so (systemctl cat reconciled): KillMode=process is what it needs',
        mend: ['systemctl edit reconciled'],
      }),
    );
  if (unit.NeedDaemonReload === 'yes')
    found.push(
      warning('daemon-unit', 'the unit of the daemon was changed, and systemd has not read it', {
        mend: ['systemctl daemon-reload'],
      }),
    );
  const main = Number(unit.MainPID ?? 0);
  if (pid !== undefined && main > 0 && main !== pid)
    found.push(
      bad('daemon-second', 'two daemons: that of reconciled.service, and another one that holds the lock', {
        evidence: [`reconciled.service: pid ${main}`, `lock: pid ${pid}`],
        mend: [`kill ${pid}`],
      }),
    );
  if (found.length > 0) return found;
  return [ok('daemon-unit', `reconciled.service: ${UnitFileState}, ${ActiveState}, KillMode=${KillMode}`)];
}
