import { actorOf, actorWords, commandWords, isWrapper } from './actor.ts';
import type { Verb } from './deeds.ts';
import type { Sighting } from './glance.ts';
import type { Subject } from './samples.ts';
import { touches } from './touches.ts';

/** Which commands do what is found to have been done. */
const VERBS: Readonly<Record<'stopped' | 'started', readonly Verb[]>> = {
  stopped: ['stop', 'restart', 'kill'],
  started: ['start', 'restart'],
};

/** Who did that to a subject, in words, by what was seen of it last; undefined where nothing was. Pure. */
export function whoDid(
  what: 'stopped' | 'started',
  subject: Subject,
  sightings: readonly Sighting[],
  userOf: (uid: number) => string,
): string | undefined {
  const found = sightings.findLast(({ job }) =>
    job.deeds.some(({ verb, target }) => VERBS[what].includes(verb) && touches(target, subject, [])),
  );
  if (found === undefined) return undefined;
  const { job, login } = found;
  const actor = actorOf(job, userOf);
  const decides = [job.process, ...job.parents].find(({ pid }) => pid === actor.pid) ?? job.process;
  // A program of its own does it, or it is run by something else than a person's shell.
  if (actor.started.kind !== 'hand' || !isWrapper(decides)) return actorWords(actor);
  return `${userOf(login ?? invokerOf(found))} (\`${commandWords(job.process.argv)}\`)`;
}

/** Whose command it is where nobody has logged in: the user behind sudo, su or a shell. */
function invokerOf({ job }: Sighting): number {
  return job.parents.find(({ uid }) => uid !== 0)?.uid ?? job.process.uid;
}
