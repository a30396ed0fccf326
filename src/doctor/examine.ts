import { Failure, why } from '../problem.ts';
import { type Diagnosis, type Finding, warning } from './finding.ts';
import type { Check, Means } from './means.ts';
import { patience } from './patience.ts';

/** How long (ms) one topic may take. */
const LIMIT = 15_000;

/** Looks at all topics at once. None takes longer than the limit, and none that fails takes another with it. */
export async function examine(checks: readonly Check[], means: Means, limit = LIMIT): Promise<Diagnosis> {
  const topics = checks.map(async (check) => ({ topic: check.topic, findings: await bounded(check, means, limit) }));
  return { topics: await Promise.all(topics) };
}

async function bounded(check: Check, means: Means, limit: number): Promise<readonly Finding[]> {
  const stop = new AbortController();
  const late = Promise.withResolvers<readonly Finding[]>();
  const name = `${check.topic.replaceAll(' ', '-')}-unknown`;
  const calm = patience(limit, () => {
    stop.abort();
    late.resolve([warning(name, `not known: it was not answered within ${limit / 1000}s`)]);
  });
  try {
    return await Promise.race([check.look(means, stop.signal), late.promise]);
  } catch (error) {
    const told = error instanceof Failure ? error.problems.map(({ summary }) => summary).join('; ') : why(error);
    return [warning(name, `not known: ${told}`)];
  } finally {
    calm();
  }
}
