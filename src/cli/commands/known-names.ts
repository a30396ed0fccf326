import { closest } from '../../closest.ts';
import type { Problem } from '../../problem.ts';

/** That there is no service of this name, and which was probably meant. `known` are names and ids. */
export function unknownName(name: string, act: string, known: readonly string[]): Problem {
  const near = closest(name, [...new Set(known.flatMap((id) => [id.split('@')[0] ?? id, id]))]);
  const hint = near === undefined ? '`reconcile status` lists the services' : `did you mean '${near}'?`;
  return { code: 'unknown-service', summary: `cannot ${act} '${name}': there is no such service`, hint };
}
