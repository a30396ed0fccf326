import type { Actual, FieldChange, Reason, Service } from '../model.ts';
import { nameOfThing, thingsOf } from '../thing.ts';
import { changed } from './changes.ts';
import type { Writes } from './files.ts';

/** A service, what is there, and what would have to be written for it. */
interface Differing {
  readonly service: Service;
  readonly actual: Actual;
  readonly changes: readonly FieldChange[];
  readonly writes: Writes;
}

/** What is not as defined, if anything: first what Git has changed. */
export function difference({ service, changes, writes, actual }: Differing): Reason | undefined {
  if (isOfOthers(actual)) return { kind: 'superseded', things: thingsOf(service.written).map(nameOfThing) };
  if (changes.length > 0) return changed(changes);
  if (writes.files !== undefined && actual.definition.edited) return { kind: 'files', by: 'others' };
  if (writes.boot !== undefined) return { kind: 'boot', from: writes.boot.from, to: writes.boot.to };
  return writes.files === undefined ? undefined : { kind: 'files', by: 'us' };
}

/** It is somebody else's, and the service takes its place as it is. */
export function isOfOthers({ owner }: Actual): boolean {
  return owner.kind === 'foreign';
}
