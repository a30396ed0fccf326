import { closest } from './closest.ts';
import type { Service } from './model.ts';
import { Failure, type Problem } from './problem.ts';

/** A service by what a person may name it by. */
export interface Nameable {
  readonly id: string;
  readonly name: string;
  readonly group?: string | null | undefined;
}

/**
 * Services as people name them, each once, in that order: a service or one of its instances; a group by its name, by
 * `GROUP:*`, or one of its services by `GROUP:NAME`; or a pattern of names as in a shell (`web-*`, `*` for all). A service
 * goes before a group of its name. Fails where a group or a pattern has none; what is neither is left for others to judge.
 * Where `runnable`, those of a group or a pattern that are not to run are left out: they are started as Git says.
 */
export function expandGroups(
  names: readonly string[],
  services: readonly (Nameable & Partial<Pick<Service, 'state'>>)[],
  runnable = false,
): readonly string[] {
  const problems: Problem[] = [];
  const known = new Set(services.flatMap(({ id, name }) => [id, name]));
  const all = names.flatMap((word) => {
    if (known.has(word)) return [word];
    const members = membersOf(word, services);
    if (members === undefined) return [word];
    if (members.length === 0) problems.push(noneOf(word, services));
    // Named one by one it is for others to say why it can't be started.
    const wanted = runnable && !isOne(word) ? members.filter(({ state }) => isToRun(state)) : members;
    return wanted.map(({ id }) => id);
  });
  if (problems.length > 0) throw new Failure(...problems);
  return [...new Set(all)];
}

/** Whom a group or a pattern stands for; undefined where a word is neither. */
export function membersOf<S extends Nameable>(word: string, services: readonly S[]): readonly S[] | undefined {
  const [group, one, ...more] = word.split(':');
  if (one !== undefined && more.length === 0) {
    const fits = one === '*' ? () => true : matcher(one);
    return services.filter((service) => service.group === group && (fits(service.name) || fits(service.id)));
  }
  if (isPattern(word)) {
    const fits = matcher(word);
    return services.filter(({ id, name }) => fits(name) || fits(id));
  }
  const members = services.filter((service) => service.group === word);
  return members.length === 0 ? undefined : members;
}

/** Words that are the name of a service and of a group as well: the service is meant, which not everybody expects. */
export function namedAlike(names: readonly string[], services: readonly Nameable[]): readonly string[] {
  const groups = new Set(services.map(({ group }) => group));
  return names.filter((name) => groups.has(name) && services.some((one) => one.id === name || one.name === name));
}

/** That nobody is called so, and whom a person may have meant, of services and groups. */
export function unknownName(word: string, services: readonly Nameable[], more: readonly string[] = []): Problem {
  const names = services.flatMap(({ id, name, group }) => [id, name, ...(group ? [group] : [])]);
  const near = closest(word, [...new Set([...names, ...more])]);
  const hint = near === undefined ? '`reconcile status` lists them' : `did you mean '${near}'?`;
  return { code: 'unknown-service', summary: `no service is called '${word}'`, hint };
}

function isToRun(state: Service['state'] | undefined): boolean {
  return state === 'running' || state === 'manual';
}

export function isPattern(word: string): boolean {
  return /[*?[]/.test(word);
}

/** `GROUP:NAME` */
function isOne(word: string): boolean {
  return word.includes(':') && !isPattern(word);
}

function noneOf(word: string, services: readonly Nameable[]): Problem {
  const at = word.indexOf(':');
  if (at === -1) {
    const summary = `no service's name fits '${word}'`;
    return { code: 'unknown-service', summary, hint: '`reconcile status` lists them' };
  }
  const [group, one] = [word.slice(0, at), word.slice(at + 1)];
  const groups = new Set(services.flatMap(({ group: each }) => (each ? [each] : [])));
  if (groups.has(group)) {
    const members = services.filter((service) => service.group === group).map(({ id }) => id);
    const near = closest(one, members);
    const hint = near === undefined ? `it has ${members.join(', ')}` : `did you mean '${group}:${near}'?`;
    return { code: 'unknown-service', summary: `no service of the group '${group}' is called '${one}'`, hint };
  }
  const near = closest(group, [...groups]);
  const hint =
    near === undefined
      ? `there are ${groups.size === 0 ? 'no groups' : [...groups].sort().join(', ')}`
      : `did you mean '${near}:${one}'?`;
  return { code: 'unknown-group', summary: `no service is in a group called '${group}'`, hint };
}

/** As a shell matches a name: `*`, `?`, `[a-z]`, `[!a-z]`; a `[` that is never closed means itself. */
function matcher(pattern: string): (name: string) => boolean {
  const source = pattern.replace(
    /\[(!?)(\]?[^\]]*)\]|[\s\S]/g,
    (sign, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^[\]]/g, '\\$&')}]`;
      return sign === '*' ? '.*' : sign === '?' ? '.' : sign.replace(/[.+^${}()|[\]\\/-]/g, '\\$&');
    },
  );
  try {
    const whole = new RegExp(`^${source}$`, 's');
    return (name) => whole.test(name);
  } catch {
    // A range from high to low: nobody's name is in it.
    return () => false;
  }
}
