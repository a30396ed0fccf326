import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, lives, statOf } from '../host/procfs.ts';
import { readJournal } from '../journal/read.ts';
import { placesOf } from '../service/places.ts';
import { readPid } from '../supervisors/builtin/fifo.ts';
import { formatDuration } from '../units.ts';
import { otherDaemons } from './daemon-others.ts';
import { releaseFindings } from './daemon-release.ts';
import { unitFindings } from './daemon-unit.ts';
import { bad, type Finding, ok, warning, word } from './finding.ts';
import type { Check, Means } from './means.ts';
import { type DaemonSeen, restartOf } from './see-daemon.ts';

/** The daemon: is it there, is it this one, does it come back after a boot, what did it do last. */
export const daemon: Check = {
  topic: 'daemon',
  look: async (means, signal) => {
    const seen = await means.daemon();
    const unit = await unitFindings(means, seen, signal);
    return [...seenFindings(seen, means), ...unit, ...lastRun(means), ...otherDaemons(means, seen)];
  },
};

function seenFindings(seen: DaemonSeen, means: Means): readonly Finding[] {
  const { config } = means;
  if (seen.kind === 'hidden') {
    const hint = 'ask as whoever runs it, such as root';
    return [
      warning('daemon', `cannot tell whether a daemon runs for ${config.runtimeDir}: permission denied`, { hint }),
    ];
  }
  if (seen.kind === 'none') {
    const running = servicesIn(config.runtimeDir);
    if (running === 0) return [ok('daemon', `no daemon runs for ${config.runtimeDir}`)];
    return [
      warning('daemon', 'no daemon runs: nothing restarts services, rotates their logs or follows Git', {
        evidence: [
          `${running} ${running === 1 ? 'service' : 'services'} of the embedded supervisor in ${config.runtimeDir}`,
        ],
        mend: [existsSync(placesOf().unit) ? 'systemctl start reconciled' : 'reconcile daemon'],
      }),
    ];
  }
  const { holder } = seen;
  const found: Finding[] = [];
  if (seen.kind === 'silent')
    found.push(
      bad('daemon', `the daemon, pid ${holder.pid}, does not answer: ${seen.because}`, {
        evidence: [`state ${statOf(holder.pid)?.state ?? 'unknown'}`, commandOf(holder.pid).slice(0, 8).join(' ')],
        hint: 'its services go on without it; look at its log first (journalctl -u reconciled -n 50)',
        mend: [statOf(holder.pid)?.state === 'T' ? `kill -CONT ${holder.pid}` : restartOf(holder.pid)],
      }),
    );
  if (holder.desiredState !== config.desiredState)
    found.push(
      warning('daemon-source', `the daemon applies another desired state than this command would`, {
        evidence: [`daemon: ${holder.desiredState}`, `here: ${config.desiredState}`],
        mend: [`reconcile doctor --desired-state ${word(holder.desiredState)}`],
      }),
    );
  found.push(...releaseFindings(holder.pid, means.version));
  if (found.length > 0) return found;
  const age = formatDuration(Math.max(1000, Math.round((means.now - Date.parse(holder.since)) / 1000) * 1000));
  return [ok('daemon', `it runs, pid ${holder.pid}, since ${holder.since} (${age}), and answers`)];
}

/** How the newest run that the journal knows of went. */
function lastRun({ config: { stateDir }, now }: Means): readonly Finding[] {
  const history = readJournal(stateDir, { kind: 'applied', limit: 1 });
  if (history?.problem !== undefined)
    return [
      warning(
        'journal',
        history.problem.summary,
        history.problem.hint === undefined ? {} : { hint: history.problem.hint },
      ),
    ];
  const last = history?.entries.at(-1);
  if (last === undefined) return [ok('last-run', 'nothing was applied here yet')];
  const ago = `${formatDuration(Math.max(1000, Math.round((now - last.at) / 1000) * 1000))} ago`;
  const of = last.revision === undefined ? '' : `, of ${last.revision}`;
  if (last.level === 'info') return [ok('last-run', `the last run, ${ago}${of}: ${last.text}`)];
  return [
    warning('last-run', `the last run, ${ago}${of}, was not all done: ${last.text}`, {
      mend: ['reconcile history', 'reconcile --dry-run'],
    }),
  ];
}

function servicesIn(runtimeDir: string): number {
  const folder = join(runtimeDir, 'services');
  try {
    return readdirSync(folder).filter((id) => {
      const main = readPid(join(folder, id));
      return main !== undefined && lives(main);
    }).length;
  } catch {
    return 0;
  }
}
