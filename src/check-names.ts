import { unknownName } from './groups.ts';
import type { Desired, Observed } from './model.ts';
import { Failure, type Problem } from './problem.ts';

/** Refuses a request for services that nobody knows, or that are not to run. */
export function checkNames(
  desired: Desired,
  observed: Observed,
  request: { readonly only: readonly string[]; readonly asked: readonly string[] },
): void {
  const declared = desired.services.flatMap(({ id, name }) => [id, name]);
  const held = [...observed.values()].flatMap((reading) =>
    reading.kind === 'read' ? reading.objects.map((o) => o.id) : [],
  );
  const problems: Problem[] = [];
  const unknown = (name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    problems.push(unknownName(name, desired.services, known));
  };
  // What is asked to start is the whole of such a request, and is told below.
  for (const name of request.only) if (!request.asked.includes(name)) unknown(name, [...declared, ...held]);
  for (const name of request.asked) {
    unknown(name, declared);
    const service = desired.services.find((s) => (s.id === name || s.name === name) && s.state !== 'running');
    if (service === undefined || service.state === 'manual') continue;
    const summary = `cannot start ${name}: its desired state is '${service.state}'`;
    problems.push({ code: 'not-to-run', summary, hint: `set \`state: running\` in ${service.file}` });
  }
  if (problems.length > 0) throw new Failure(...problems);
}
