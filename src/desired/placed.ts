import type { Problem } from '../problem.ts';
import { maskText } from '../secrets.ts';
import type { Finding } from './finding.ts';
import { locate } from './position.ts';
import type { Source } from './source.ts';

/** A finding as a problem, at its place in a source. */
export function placed(source: Source, finding: Finding): Problem {
  const { code, path, part, summary, detail, hint } = finding;
  const { position, written } = locate(source, path, part);
  const advice = typeof hint === 'function' ? hint(written) : hint;
  return {
    code,
    summary: maskText(summary),
    at: position,
    ...(detail === undefined ? {} : { detail }),
    ...(advice === undefined ? {} : { hint: maskText(advice) }),
  };
}
