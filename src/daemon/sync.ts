import type { Report } from '../model.ts';
import { Failure } from '../problem.ts';
import type { SourceWatch } from './source.ts';
import { bareReport, type SyncAnswer, type SyncRequest } from './wire.ts';

/** Looks at the source and, where nothing is wrong with it, applies what it says now; the answer tells both. */
export async function sync(
  source: Pick<SourceWatch, 'look' | 'nudge'>,
  request: SyncRequest,
  apply: () => Promise<Report>,
): Promise<SyncAnswer> {
  if (request.wait === false) {
    source.nudge();
    return { problems: [] };
  }
  let result: Awaited<ReturnType<SourceWatch['look']>>;
  try {
    result = await source.look(request.allowRewind);
  } catch (error) {
    // Damaged decisions.
    if (!(error instanceof Failure)) throw error;
    return { problems: error.problems };
  }
  if (result !== undefined && result.kind !== 'taken') return { problems: [result.problem] };
  const taken = result === undefined ? {} : takenOf(result);
  try {
    return { ...taken, report: bareReport(await apply()), problems: [] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...taken, problems: error.problems };
  }
}

function takenOf(
  result: Extract<Awaited<ReturnType<SourceWatch['look']>>, { kind: 'taken' }>,
): Omit<SyncAnswer, 'problems'> {
  const { commit, subject, author } = result.commit;
  const { from, rewritten } = result;
  return { commit: { commit, subject, author }, ...(from === undefined ? {} : { from }), rewritten };
}
