import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readLastGood } from '../decisions.ts';
import { staleSchemas } from '../init/schemas.ts';
import { Failure, type Problem } from '../problem.ts';
import { formatRevision } from '../revision.ts';
import { bad, type Finding, ok, some, warning, word } from './finding.ts';
import type { Check, Means } from './means.ts';

/** Is there one, and is it valid? */
export const desiredState: Check = {
  topic: 'desired state',
  look: async (means) => [...(await loadFindings(means)), ...schemaFindings(means)],
};

async function loadFindings(means: Means): Promise<readonly Finding[]> {
  const { desiredState, git, stateDir } = means.config;
  try {
    const { services, revision } = await means.desired();
    const many = `${services.length} ${services.length === 1 ? 'service' : 'services'}`;
    return [ok('desired-state', `${desiredState}: valid, ${many}, at ${formatRevision(revision)}`)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (git === undefined && !existsSync(desiredState))
      return [
        warning('desired-state', `there is no desired state at ${desiredState}`, {
          hint: 'say where it is (--desired-state DIR, RECONCILE_DESIRED_STATE, reconcile.config.yaml), or begin one',
          mend: [`reconcile init ${word(dirname(desiredState))}`],
        }),
      ];
    const last = lastGood(stateDir, desiredState);
    const kept = last === undefined ? [] : [`in force meanwhile: ${last}, which was the last good one`];
    return [
      bad(
        'desired-state',
        `the desired state can't be applied: ${error.problems.length === 1 ? '1 problem' : `${error.problems.length} problems`}`,
        {
          evidence: [...some(error.problems.map(placed), 3), ...kept],
          mend: [error.problems.some(({ code }) => code.startsWith('git-')) ? 'reconcile sync' : 'reconcile validate'],
        },
      ),
    ];
  }
}

function placed({ at, file, summary }: Problem): string {
  const place = at === undefined ? file : `${at.file}:${at.line}:${at.column}`;
  return place === undefined ? summary : `${place}: ${summary}`;
}

function lastGood(stateDir: string, directory: string): string | undefined {
  try {
    const last = readLastGood(stateDir, directory);
    return last === undefined ? undefined : formatRevision(last.revision);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Where `reconcile init` has put them, an editor checks by what an older version knew. */
function schemaFindings({ config: { desiredState, git } }: Means): readonly Finding[] {
  if (git !== undefined) return [];
  const folder = join(dirname(desiredState), 'schemas');
  const stale = staleSchemas(folder);
  if (stale.length === 0) return [];
  return [
    warning('schemas', `the schemas in ${folder} are not of this version: editors check by what another one knows`, {
      evidence: some(stale),
      mend: [`reconcile init --schemas ${word(dirname(desiredState))}`],
    }),
  ];
}
