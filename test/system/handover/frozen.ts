import { existsSync } from 'node:fs';
import type { SystemdHost } from '../../rig/systemd/host.ts';
import { sh } from '../../rig/systemd/units.ts';

const GROUP = '/sys/fs/cgroup/freezer/stuck';

/** Only the freezer of control groups v1 keeps even SIGKILL from a process; that of v2 lets it through. */
export const CAN_FREEZE: boolean = existsSync('/sys/fs/cgroup/freezer/cgroup.procs');

/** Freezes a process of a host, as one that waits for a dead disk: nothing ends it until it is thawed. */
export async function freeze(host: SystemdHost, pid: number): Promise<AsyncDisposable & { thaw(): Promise<void> }> {
  await sh(
    host,
    `mkdir ${GROUP} && echo ${pid} >${GROUP}/cgroup.procs && echo FROZEN >${GROUP}/freezer.state
     while [ "$(cat ${GROUP}/freezer.state)" != FROZEN ]; do sleep 0.01; done`,
  );
  const thaw = async () => {
    await sh(host, `echo THAWED >${GROUP}/freezer.state`);
  };
  // A host does not end as long as something of it is frozen.
  return { thaw, [Symbol.asyncDispose]: thaw };
}
