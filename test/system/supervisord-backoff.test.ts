import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { childPidsOf } from '../../src/host/procfs.ts';
import { mainConfig } from '../../src/supervisors/supervisord/main-config.ts';
import { programsFile, writeParts } from '../../src/supervisors/supervisord/programs-file.ts';
import { until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { fileOf, INSTANCE, OWNED, service } from '../unit/supervisors/supervisord/make.ts';

describeWithSupervisord('a declared backoff', () => {
  it('makes the waits between restarts grow, begins anew after stable uptime, and ends at once when it is stopped', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-backoff-')));
    const path = (name: string) => join(folder, name);
    const instance = {
      ...INSTANCE,
      // Its count outlives this test.
      name: `backoff${process.pid}`,
      config: path('supervisord.conf'),
      include: path('conf.d'),
      owned: {
        ...OWNED,
        socket: { path: path('supervisor.sock'), mode: 0o700 },
        log: { ...OWNED.log, path: path('supervisord.log') },
        pidFile: path('supervisord.pid'),
      },
    };
    // Ends at once, but for its sixth run, which is up for longer than what counts as stable.
    writeFileSync(
      path('flaps'),
      `#!/bin/sh\ndate +%s%N >>starts\n[ "$(wc -l <starts)" -eq 6 ] && sleep 14\ndate +%s%N >>ends\nexit 1\n`,
      { mode: 0o755 },
    );
    const flaps = service({
      command: ['./flaps'],
      directory: folder,
      start: { ready: '0s' },
      restart: { backoff: { initial: '200ms', factor: 4, max: '3s' } },
      logs: { stdout: path('out'), stderr: path('err') },
    });
    mkdirSync(instance.include);
    writeFileSync(instance.config, mainConfig(instance, 'default').text);
    const file = fileOf(flaps, instance);
    writeParts(programsFile(instance, 'default'), [[flaps.id, file.text]]);
    const supervisord = spawn('supervisord', ['--nodaemon', '--configuration', instance.config], { stdio: 'ignore' });
    const pid = supervisord.pid ?? 0;
    try {
      const read = (name: string) =>
        existsSync(path(name))
          ? readFileSync(path(name), 'utf8')
              .trim()
              .split('\n')
              .map((ns) => Number(ns) / 1e6)
          : [];
      await until(() => read('starts').length >= 8, 60);
      const [starts, ends] = [read('starts'), read('ends')];
      const gaps = starts.slice(1).map((start, i) => Math.round(start - (ends[i] ?? 0)));
      // Never shorter than declared; longer by supervisord's own pause and by what starting takes on a busy machine.
      const least = [200, 800, 3000, 3000, 3000, 0, 200];
      for (const [i, wait] of least.entries()) {
        expect(gaps[i], `wait ${i + 1} of ${gaps}`).toBeGreaterThanOrEqual(wait - 5);
        expect(gaps[i], `wait ${i + 1} of ${gaps}`).toBeLessThan(wait + 2500);
      }
      expect(readFileSync(path('err'), 'utf8')).toBe('');
      // It waits now; what waits must not outlive it.
      await until(() => childPidsOf(childPidsOf(pid)[0] ?? 0).length === 1);
      const [waiting = 0] = childPidsOf(pid);
      const [sleeping = 0] = childPidsOf(waiting);
      process.kill(waiting, 'SIGINT');
      await until(() => !existsSync(`/proc/${waiting}`) && !existsSync(`/proc/${sleeping}`), 2);
    } finally {
      supervisord.kill('SIGTERM');
      await until(() => supervisord.exitCode !== null, 20);
      for (const each of [folder, `/run/reconciled-backoff/${instance.name}.web`])
        rmSync(each, { recursive: true, force: true });
    }
  });
});
