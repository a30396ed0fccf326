import { digest, type Json } from '../canonical.ts';
import type { Service } from '../model.ts';

const known = new WeakMap<Service, string>();

/** What Git says of a service, as a digest; the same for one that was written to a file and read again. */
export function digestOf(service: Service): string {
  const before = known.get(service);
  if (before !== undefined) return before;
  const { supervisor, state, autostart, changes, written, instance, files, folders } = service;
  const said = JSON.stringify([supervisor, state, autostart, changes, written, instance, files, folders]);
  const made = digest(JSON.parse(said) as Json);
  known.set(service, made);
  return made;
}
