import type { Instance } from './instance.ts';
import type { Desired, ServiceId } from './model.ts';
import { Failure, type Problem, why } from './problem.ts';
import { programsFile, readParts } from './supervisors/supervisord/programs-file.ts';

/**
 * Refuses a desired state in which a supervisord that we have written to is missing, or has its programs elsewhere, as
 * long as something of ours is left there: nobody would look after it any more. `before` are those that were in use.
 */
export function checkAbandoned(before: readonly Instance[], { instances, policy }: Desired): void {
  const problems = before.flatMap((instance): Problem[] => {
    const declared = instances.find(({ name }) => name === instance.name);
    if (declared?.include === instance.include) return [];
    const what = declared === undefined ? `remove ${instance.file}` : `change include in ${declared.file}`;
    let held: readonly ServiceId[];
    try {
      held = programsOf(policy.owner, instance.include);
    } catch (error) {
      const summary = `cannot ${what}: what its supervisord still holds in ${instance.include} can't be read: ${why(error)}`;
      return [{ code: 'instance-abandoned', summary, file: instance.file }];
    }
    if (held.length === 0) return [];
    const where = declared === undefined ? 'its supervisord' : instance.include;
    return [
      {
        code: 'instance-abandoned',
        summary: `cannot ${what}: ${where} still holds ${held.join(', ')}`,
        file: instance.file,
        hint: `put it back, set ${held.length === 1 ? 'that' : 'them'} \`state: absent\` and apply; after that it can go`,
      },
    ];
  });
  if (problems.length > 0) throw new Failure(...problems);
}

/** The programs that an owner has in an include folder. */
function programsOf(owner: string, include: string): ServiceId[] {
  return [...(readParts(programsFile({ include }, owner))?.texts.keys() ?? [])].sort();
}
