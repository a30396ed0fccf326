import { expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { systemdHost } from '../rig/systemd/host.ts';

describeOnSystemd('a declared backoff', () => {
  it('makes the waits between restarts grow, begins anew after stable uptime, and verifies', async () => {
    await using host = await systemdHost();
    // Ends at once, but for its sixth run, which is up for longer than what counts as stable.
    host.write(
      '/root/flaps',
      '#!/bin/sh\ndate +%s%N >>/root/starts\n[ "$(wc -l </root/starts)" -eq 6 ] && sleep 11\ndate +%s%N >>/root/ends\nexit 1\n',
      0o755,
    );
    host.write(
      '/root/desired-state/services/flaps.yaml',
      `supervisor: systemd
command: [/bin/sh, /root/flaps]
start: { ready: 0s, retries: 50 }
restart: { backoff: { initial: 200ms, factor: 4, max: 3s }, limit: { restarts: 50, within: 1h } }
`,
    );
    const applied = await host.reconcile();
    expect(applied.stderr).not.toContain('systemd would not take');
    const verify = await host.exec(['systemd-analyze', 'verify', '--man=no', '/etc/systemd/system/flaps.service']);
    expect(verify.stdout + verify.stderr).toBe('');
    const read = (path: string) =>
      host.exists(path)
        ? host
            .read(path)
            .trim()
            .split('\n')
            .map((ns) => Number(ns) / 1e6)
        : [];
    await until(() => read('/root/starts').length >= 8, 60);
    const [starts, ends] = [read('/root/starts'), read('/root/ends')];
    const gaps = starts.slice(1).map((start, i) => Math.round(start - (ends[i] ?? 0)));
    // Never shorter than declared; longer by what starting takes on a busy machine.
    const least = [200, 800, 3000, 3000, 3000, 200, 800];
    for (const [i, wait] of least.entries()) {
      expect(gaps[i], `wait ${i + 1} of ${gaps}`).toBeGreaterThanOrEqual(wait - 5);
      expect(gaps[i], `wait ${i + 1} of ${gaps}`).toBeLessThan(wait + 750);
    }
    await host.systemctl('stop', 'flaps');
  });
});
