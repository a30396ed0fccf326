import type { Exit, Fields, Run } from '../../model.ts';
import type { Hold } from '../../restarts/restarts.ts';
import { exitText, UNKNOWN } from './exit.ts';

/** What a supervisor of others has no word for: we have stopped it, or let it rest, and say why. What runs, runs. */
export function withHold(run: Run, hold: Hold | undefined): Run {
  if (hold === undefined || run.kind === 'running' || run.kind === 'starting') return run;
  const exit = 'exit' in run ? run.exit : UNKNOWN;
  if (hold.kind === 'held') return { kind: 'held', exit, until: hold.until, reason: hold.reason };
  return { kind: 'fatal', exit, at: hold.at, reason: hold.reason };
}

/** What ended as no restart can heal is FATAL, whatever its supervisor calls it. */
export function withPermanent(run: Run, fields: Fields): Run {
  const codes = fields['restart.permanentExitCodes'] as readonly number[] | undefined;
  if (codes === undefined || (run.kind !== 'exited' && run.kind !== 'fatal')) return run;
  const { exit, at } = run;
  if (exit.kind !== 'code' || !codes.includes(exit.code)) return run;
  return { kind: 'fatal', exit, at, reason: permanentText(exit) };
}

export function permanentText(exit: Exit): string {
  return `${exitText(exit)}, which no restart can heal (restart.permanentExitCodes)`;
}
