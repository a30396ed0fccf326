import { userText } from '../host/users.ts';
import type { Samples } from './samples.ts';

/** The names of all users that have something to do with what was seen. */
export async function usersIn({ jobs }: Samples): Promise<(uid: number) => string> {
  const uids = new Set(jobs.flatMap(({ process, parents }) => [process, ...parents].map(({ uid }) => uid)));
  const names = new Map<number, string>();
  for (const uid of uids) names.set(uid, await userText(uid));
  return (uid) => names.get(uid) ?? `uid ${uid}`;
}
