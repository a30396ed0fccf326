import { Failure, type Problem, why } from '../../problem.ts';

/** What became of an attempt, in the words of a taker. */
type Attempt = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly problem: Problem };

/** `cannot`: what it was for, where the system alone says why it came to nothing. */
export async function attempt(cannot: string, act: () => void | Promise<void>): Promise<Attempt> {
  try {
    await act();
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', problem: problemOf(cannot, error) };
  }
}

export function problemOf(cannot: string, error: unknown): Problem {
  if (error instanceof Failure && error.problems[0] !== undefined) return error.problems[0];
  const { path, code } = error as NodeJS.ErrnoException;
  return {
    code: 'not-taken',
    summary: `${cannot}: ${path === undefined ? '' : `${path}: `}${why(error)}`,
    ...(code === 'EACCES' || code === 'EPERM' ? { hint: 'run it as root' } : {}),
  };
}
