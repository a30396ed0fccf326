import type { Service, ServiceId } from '../../model.ts';
import type { Sight } from './sight.ts';

/** The ids a unit file stands for: one, or of a template every instance that is declared, loaded or linked. */
export function idsOf({ listed, disk }: Sight, file: string, declared: readonly Service[]): readonly ServiceId[] {
  const stem = file.slice(0, -'.service'.length);
  if (!stem.endsWith('@')) return stem.includes('@') ? [] : [stem];
  const ids = new Set(declared.filter(({ id }) => id.startsWith(stem)).map(({ id }) => id));
  const add = (name: string) => {
    if (name.startsWith(stem) && name.endsWith('.service')) ids.add(name.slice(0, -'.service'.length));
  };
  for (const { name, active } of listed.values()) if (active !== 'inactive') add(name);
  for (const name of disk.linked()) add(name);
  ids.delete(stem);
  return ids.size > 0 ? [...ids] : [`${stem}1`];
}

/** Does it say that it takes the place of the unit of its own name? */
export function takesOwn({ id, state, written: { unit, supersedes = [] } }: Service): boolean {
  return state !== 'absent' && unit === undefined && supersedes.some((thing) => thing.unit === `${id}.service`);
}
