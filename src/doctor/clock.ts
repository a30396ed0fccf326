import { existsSync, readdirSync, statSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { formatDuration } from '../units.ts';
import { type Finding, ok, warning } from './finding.ts';
import type { Check } from './means.ts';
import { run, valuesIn } from './run.ts';

/** The clock: kept right by somebody, and not behind what was written here before. */
export const clock: Check = {
  topic: 'clock',
  look: async ({ config: { stateDir, logDir, runtimeDir }, now }, signal) => {
    const { stdout, missing, code } = await run('timedatectl', ['show'], { signal });
    const said = missing || code !== 0 ? undefined : valuesIn(stdout);
    const newest = [stateDir, join(stateDir, 'decisions'), runtimeDir, logDir].flatMap(filesIn);
    return [...judgeSync(said), ...judgeFiles(newest, now), ...judgeBuild(now), booted(now)];
  },
};

/** Pure: what `timedatectl show` says; undefined where it says nothing. */
export function judgeSync(said: Readonly<Record<string, string>> | undefined): readonly Finding[] {
  const { NTPSynchronized, NTP, CanNTP, LocalRTC } = said ?? {};
  if (NTPSynchronized === undefined) return [ok('clock-sync', 'nobody tells whether the clock is kept right')];
  const found: Finding[] = [];
  if (NTPSynchronized !== 'yes')
    found.push(
      warning('clock-sync', 'the clock is not kept right by anybody: windows, holds and signatures go by it', {
        evidence: [`timedatectl: NTPSynchronized=${NTPSynchronized}, NTP=${NTP ?? '?'}, CanNTP=${CanNTP ?? '?'}`],
        mend:
          CanNTP === 'no'
            ? ['apt-get install systemd-timesyncd']
            : NTP === 'yes'
              ? ['timedatectl timesync-status']
              : ['timedatectl set-ntp true'],
      }),
    );
  if (LocalRTC === 'yes')
    found.push(
      warning('clock-zone', 'the hardware clock is in local time: times go back when the host boots', {
        mend: ['timedatectl set-local-rtc 0'],
      }),
    );
  return found.length > 0 ? found : [ok('clock-sync', 'the clock is kept right (NTP)')];
}

export interface Dated {
  readonly path: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** How far (ms) in the future a file may be: file systems and the clock need not agree to the millisecond. */
const SLACK = 60_000;

/** Pure: files of ours from the future tell that the clock was set back. */
export function judgeFiles(files: readonly Dated[], now: number): readonly Finding[] {
  const late = files.filter(({ at }) => at > now + SLACK).sort((a, b) => b.at - a.at);
  const [worst] = late;
  if (worst === undefined) return [ok('clock-files', 'no file of ours is from the future')];
  const by = formatDuration(Math.round((worst.at - now) / 1000) * 1000);
  return [
    warning('clock-files', `the clock was set back: a file of ours is from ${by} in the future`, {
      evidence: [`${worst.path}: ${new Date(worst.at).toISOString()}`, `now: ${new Date(now).toISOString()}`],
      hint: 'holds, windows and what is told of the past are off by as much until then',
      mend: ['timedatectl set-ntp true'],
    }),
  ];
}

/** A clock from before this program was made has lost its battery. */
function judgeBuild(now: number): readonly Finding[] {
  const built = statSync(new URL(import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return isBefore(now, built);
}

export function isBefore(now: number, built: number): readonly Finding[] {
  if (now > built - SLACK) return [];
  return [
    warning('clock-behind', 'the clock is behind: this program was made later than it says it is', {
      evidence: [`now: ${new Date(now).toISOString()}`, `made: ${new Date(built).toISOString()}`],
      mend: ['timedatectl set-ntp true'],
    }),
  ];
}

function booted(now: number): Finding {
  const up = Math.round(uptime()) * 1000;
  return ok('boot', `the host was booted at ${new Date(now - up).toISOString()}, ${formatDuration(up)} ago`);
}

function filesIn(folder: string): Dated[] {
  try {
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ path, at: stat.mtimeMs }];
    });
  } catch {
    return [];
  }
}
