import type { SystemdHost } from './host.ts';

/** What systemd says of a unit. */
export interface Shown {
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  /** 0 where it has no process. */
  readonly pid: number;
  /** enabled, disabled, masked, ...; empty where there is no such unit. */
  readonly fileState: string;
  readonly result: string;
}

const PROPERTIES = 'LoadState,ActiveState,SubState,MainPID,UnitFileState,Result';

/** Asks systemd about many units in one call; names are as in systemctl, with or without `.service`. */
export async function show(host: SystemdHost, units: readonly string[]): Promise<ReadonlyMap<string, Shown>> {
  if (units.length === 0) return new Map();
  const output = await host.systemctl('show', `--property=${PROPERTIES}`, '--', ...units);
  const blocks = output.trimEnd().split('\n\n');
  return new Map(
    units.map((unit, i) => {
      const all = Object.fromEntries((blocks[i] ?? '').split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)));
      const { LoadState = '', ActiveState = '', SubState = '', MainPID, UnitFileState = '', Result = '' } = all;
      const pid = Number(MainPID ?? 0);
      return [
        unit,
        { load: LoadState, active: ActiveState, sub: SubState, pid, fileState: UnitFileState, result: Result },
      ];
    }),
  );
}

/** Runs a shell script in the host with arguments, `"$@"`; an error with what it says where it fails. */
export async function sh(host: SystemdHost, script: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.exec(['sh', '-euc', script, 'sh', ...args]);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** A variable of the environment that a process was started with. */
export function variable(host: SystemdHost, pid: number, name: string): string | undefined {
  const found = host
    .read(`/proc/${pid}/environ`)
    .split('\0')
    .find((entry) => entry.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}
