import * as z from 'zod/mini';
import { Failure, why } from '../../problem.ts';

/** A unit as ListUnitsByPatterns tells of it. */
export interface ListedUnit {
  readonly name: string;
  readonly description: string;
  /** See UnitProperties. */
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  /** What is done to it, where a job of it waits or runs: start, stop, restart, … */
  readonly job: string | undefined;
}

/** A link that systemd made or removed, to enable, disable, mask or unmask. */
export interface LinkChange {
  readonly kind: 'symlink' | 'unlink';
  readonly path: string;
  /** Where it points; '' where it was removed. */
  readonly target: string;
}

const text = z.string();
/** Name, description, load, active, sub, what it follows, path, the job's id, type and path. */
const Listed = z.array(z.tuple([text, text, text, text, text, text, text, z.number(), text, text]));

/** Throws what zod says of another shape, as all of these do. */
export function listedUnits(list: unknown): readonly ListedUnit[] {
  return Listed.parse(list).map(([name, description, load, active, sub, , , , job]) => ({
    name,
    description,
    load,
    active,
    sub,
    job: job || undefined,
  }));
}

const Changes = z.array(z.tuple([text, text, text]));

/** What was done; what systemd besides only remarks (`masked`, `dangling`) is left out. */
export function linkChanges(changes: unknown): readonly LinkChange[] {
  return Changes.parse(changes).flatMap(([kind, path, target]) =>
    kind === 'symlink' || kind === 'unlink' ? [{ kind, path, target }] : [],
  );
}

/** Of `252.39-1~deb12u1`. */
export function versionOf(version: unknown): number {
  return Number.parseInt(z.string().check(z.regex(/^\d+/)).parse(version), 10);
}

/** What `read` makes of an answer. What systemd says in another shape than is known is not taken for anything. */
export function checked<T>(act: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { issues } = error as Partial<z.core.$ZodError>;
    throw new Failure({
      code: 'unexpected-answer',
      summary: `cannot ${act}: systemd answered something else than is known of it`,
      detail: issues?.map(issueText).join('\n') ?? why(error),
    });
  }
}

function issueText(issue: z.core.$ZodIssue): string {
  const expected = 'expected' in issue ? issue.expected : issue.code;
  return `${['answer', ...issue.path].join('.')}: expected ${expected}`;
}
