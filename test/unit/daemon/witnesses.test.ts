import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createWitnesses } from '../../../src/daemon/witnesses.ts';
import { commandOf, listPids } from '../../../src/host/procfs.ts';
import type { Desired, Service } from '../../../src/model.ts';
import { until } from '../../rig/host.ts';

it('sees who begins right after a look, although nothing stirs any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reconciled-witnesses-'));
  const [systemctl, gate] = [join(folder, 'systemctl'), join(folder, 'gate')];
  writeFileSync(systemctl, '#!/bin/sh\nwhile :; do sleep 100; done\n', { mode: 0o755 });
  execFileSync('mkfifo', [gate]);
  // Nobody's child, and no systemctl before the gate opens.
  const text = `read -r _ <${gate}; exec "$@"`;
  const waiting = ['sh', '-c', text, 'sh', systemctl, 'stop', 'witnessed.service'];
  spawn('/bin/sh', ['-c', 'setsid "$@" &', 'sh', ...waiting], { stdio: 'ignore' });
  const found = () => listPids().find((pid) => commandOf(pid).join(' ') === waiting.join(' '));
  await until(() => found() !== undefined);
  const pid = found() ?? 0;

  const witnesses = createWitnesses();
  const service = { id: 'witnessed', name: 'witnessed', supervisor: 'systemd', state: 'running', written: {} };
  const desired = { policy: { owner: 'default' }, instances: [], services: [service as unknown as Service] };
  const told = async () => (await witnesses.of(['witnessed'], desired as unknown as Desired)).get('witnessed');
  try {
    witnesses.stir();
    // Waits until somebody reads.
    writeFileSync(gate, '\n');
    witnesses.stir();
    expect(await told()).toBeUndefined();
    await until(async () => (await told()) !== undefined, 5);
    expect(await told()).toContain('stop witnessed.service');
  } finally {
    process.kill(-pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
