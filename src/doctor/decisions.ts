import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readHolds } from '../control/holds.ts';
import { directoryOf, openDecisions, readDecision, readUsed } from '../decisions.ts';
import type { StatusNote } from '../model.ts';
import { Failure } from '../problem.ts';
import { statusNotes } from '../status-notes.ts';
import { bad, type Finding, ok, some, warning } from './finding.ts';
import { type Check, desiredIfThere, type Means } from './means.ts';

/** What was decided on this host: last good state, quarantine, freezes, holds, the breaker, whose the owner is. */
export const decisions: Check = {
  topic: 'decisions',
  look: async (means) => {
    const damaged = damagedFindings(means.config.stateDir, means.config.desiredState);
    const notes = damaged.length > 0 ? [] : await noteFindings(means);
    const found = [...damaged, ...notes, ...(await ownerFindings(means)), ...holdFindings(means)];
    return found.length > 0
      ? found
      : [ok('decisions', 'nothing is held, frozen or quarantined, and the breaker is closed')];
  },
};

/** A damaged one has nothing converge until a person has looked. */
export function damagedFindings(stateDir: string, desiredState: string): readonly Finding[] {
  const reads = [
    () => openDecisions(stateDir, desiredState),
    () => readUsed(stateDir),
    () => readHolds(stateDir),
    ...jsonIn(join(stateDir, 'decisions')).map(
      (path) => () => readDecision(path, (value): value is unknown => value !== undefined),
    ),
  ];
  const problems = new Map<string, Finding>();
  for (const read of reads) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      for (const { summary, hint = '' } of error.problems) {
        const [, command] = /(mv .*)$/.exec(hint) ?? [];
        // One word for all that are somebody else's.
        const path = command === undefined ? hint : (/decisions in (\S+) can't/.exec(summary)?.[1] ?? summary);
        if (problems.has(path)) continue;
        problems.set(
          path,
          bad('decisions-damaged', summary, {
            ...(command === undefined
              ? { hint }
              : { hint: 'look at what it holds first: to move it away is to forget it', mend: [command] }),
          }),
        );
      }
    }
  }
  return [...problems.values()];
}

function jsonIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name));
}

/** What stands above the table of `reconcile status`. */
async function noteFindings(means: Means): Promise<readonly Finding[]> {
  const desired = await desiredIfThere(means);
  if (desired === undefined) return [];
  const notes = await statusNotes(means.config, desired);
  return notes.map(noteFinding);
}

export function noteFinding({ kind, ok: fine, text }: StatusNote): Finding {
  if (fine) return ok(kind, text);
  const mend = MEND[kind];
  const grade = kind === 'invalid' ? bad : warning;
  return grade(kind, text, mend === undefined ? {} : { mend: [mend] });
}

const MEND: Readonly<Partial<Record<StatusNote['kind'], string>>> = {
  breaker: 'reconcile release --breaker',
  freeze: 'reconcile unfreeze',
  quarantine: 'reconcile retry',
  source: 'reconcile sync',
};

/** Two desired states can't have one owner. */
async function ownerFindings(means: Means): Promise<readonly Finding[]> {
  const desired = await desiredIfThere(means);
  if (desired === undefined) return [];
  const { stateDir, desiredState } = means.config;
  const { owner } = desired.policy;
  try {
    const before = directoryOf(stateDir, owner);
    if (before === undefined || before === desiredState) return [];
    return [
      warning('owner', `what '${owner}' owns on this host is of another desired state`, {
        evidence: [`last applied: ${before}`, `now: ${desiredState}`],
        hint: 'give one of the two another owner in its policy.yaml; or, if the directory has moved, take over',
        mend: ['reconcile --claim'],
      }),
    ];
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

function holdFindings({ config: { stateDir }, now }: Means): readonly Finding[] {
  try {
    const holds = readHolds(stateDir).filter(({ until }) => until > now);
    if (holds.length === 0) return [];
    const names = some(
      holds.map(({ name, by, until }) => `${name} (by ${by}, until ${new Date(until).toISOString()})`),
    );
    return [
      ok('holds', `left alone, as somebody wants it: ${names.join(', ')}`, {
        hint: 'reconcile release NAME ends that',
      }),
    ];
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}
