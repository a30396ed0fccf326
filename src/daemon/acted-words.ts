import type { Acted, Deed } from '../health/act.ts';

const DONE: Readonly<Record<Deed, string>> = { restart: 'restarted', rollback: 'rolled back', stop: 'stopped' };

/** What was done about a failing probe, in one line. */
export function actedText({ service, probe, why, what, outcome }: Acted): string {
  const since = `its probe ${probe} fails: ${why}`;
  const done = DONE[what];
  switch (outcome.kind) {
    case 'done':
      return `${service}: ${done}: ${since}`;
    case 'would':
      return `${service}: would have been ${done}: ${since}; it is only told`;
    case 'refused': {
      const until = outcome.until === undefined ? '' : `, until ${new Date(outcome.until).toISOString()}`;
      return `${service}: not ${done}${until}: ${outcome.because}; ${since}`;
    }
    case 'failed':
      return `${service}: could not be ${done}: ${outcome.because}; ${since}`;
  }
}

export function actedLevel({ outcome }: Acted): 'warn' | 'error' {
  return outcome.kind === 'done' || outcome.kind === 'would' ? 'warn' : 'error';
}
