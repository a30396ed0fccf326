import { checkNames } from '../../check-names.ts';
import { expandGroups, isPattern, namedAlike } from '../../groups.ts';
import type { Desired } from '../../model.ts';
import type { Context, Options } from '../context.ts';
import { usage } from './lease.ts';

/** What is done to services, as far as that says who may be meant. */
export interface Deed {
  /** As in "cannot stop". */
  readonly verb: string;
  /** They are to run after it: of groups and patterns only those that are to run are meant. */
  readonly starts?: true;
  /** A supervisord of ours is meant too where a pattern fits it, and not only where it is named: its programs go with it. */
  readonly runners?: true;
}

/** The ids or names of the services that a person names, or of `--all`. Fails for whom nobody knows. */
export function named(
  { note }: Pick<Context, 'note'>,
  { names = [], all = false }: Options,
  desired: Desired,
  { verb, starts, runners }: Deed,
): readonly string[] {
  if (all && names.length > 0) throw usage(`cannot ${verb} --all and ${names.join(', ')}`, 'give one of them');
  if (!all && names.length === 0)
    throw usage(`cannot ${verb} nothing`, `name services, groups or patterns, or say --all`);
  const words = all ? ['*'] : names;
  const services = desired.services.filter(
    ({ id, state, runs }) => words.includes(id) || (state !== 'absent' && (runs === undefined || runners)),
  );
  if (all && services.length === 0) throw usage(`cannot ${verb} --all: no service is declared`, 'add one to services/');
  const ids = expandGroups(words, services, starts === true);
  for (const word of namedAlike(words, services))
    note(`'${word}' is a service and a group: the service is meant; the group is '${word}:*'\n`);
  if (ids.length === 0) {
    const hint = 'those that are not to run (state: stopped, disabled) are left out of groups and patterns';
    throw usage(`cannot ${verb} ${all ? '--all' : words.join(', ')}: none of them is to run`, hint);
  }
  checkNames(desired, new Map(), { only: ids, asked: starts ? ids : [] });
  return ids;
}

/** As it is typed, for what can be typed next. */
export function typed({ names = [], all = false }: Options): string {
  return all ? '--all' : names.map((name) => (isPattern(name) ? `'${name}'` : name)).join(' ');
}
