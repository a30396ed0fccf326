import { basename, join } from 'node:path';
import type { Json } from '../../canonical.ts';
import type { HostFile } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { stampId } from '../../stamp.ts';
import type { Taken } from '../../thing.ts';
import { SUPERSEDED } from '../../thing.ts';
import type { Scope } from '../shared/bus-address.ts';
import { BLOCKED } from './block.ts';
import { readText, runtimeDirOf } from './disk.ts';
import { dropInPath } from './names.ts';
import { readUnit } from './read-unit.ts';
import type { Observer } from './sight.ts';
import { madeBy, unitText } from './unit-text.ts';

/**
 * What a unit was before a service took its place: kept in the drop-in that blocks it, so that it goes back to exactly that,
 * whoever is asked to and whenever.
 */
export interface Mark {
  readonly taken: Taken;
  /** Links that started it, or gave it another name, by path: what each pointed to. Those that are gone are to come back. */
  readonly links: Readonly<Record<string, string>>;
  /** Of a timer: it was scheduled. */
  readonly active: boolean;
}

/** Where such a drop-in is: until the next boot, or for good. One for good hides the other, being of the same name. */
export type Place = 'until-boot' | 'for-good';

/** One that is there. */
export interface MarkFile {
  readonly place: Place;
  readonly file: HostFile;
  readonly mark: Mark;
  /** Somebody may have taken the condition out. */
  readonly blocks: boolean;
  readonly intact: boolean;
}

type Where = Pick<Observer, 'scope' | 'unitDir'>;

/** The folders of the host that may have such drop-ins, what counts more first. */
export function markFolders({ scope, unitDir }: Where): readonly (readonly [Place, folder: string])[] {
  return [
    ['for-good', unitDir],
    ['until-boot', runtimeDirOf(scope)],
  ];
}

export function markPath({ scope, unitDir }: Where, unit: string, place: Place): string {
  return dropInPath(place === 'for-good' ? unitDir : runtimeDirOf(scope), unit, SUPERSEDED);
}

/** Is it one of these drop-ins, by its path? */
export function isMarkPath(scope: Scope, unitDir: string, path: string): boolean {
  return (
    basename(path) === SUPERSEDED && [unitDir, runtimeDirOf(scope)].some((folder) => path.startsWith(join(folder, '/')))
  );
}

/** The text of such a drop-in: `sed` and people read it too. */
export function markText({ taken, links, active }: Mark): string {
  const { owner, by, enabled, ran } = taken;
  const words = `${by} takes its place: while this file is here nobody can start this unit. Change the desired state instead.`;
  const fields = { active, enabled, links, ran };
  return unitText({ owner, id: by, hash: 'superseded' }, fields, madeBy(0, []), BLOCKED, words);
}

/** Those that there are of a unit, of whatever owner; the one that counts first. Throws a Failure where one is damaged. */
export function readMarks(where: Where, unit: string): readonly MarkFile[] {
  return markFolders(where).flatMap(([place]) => {
    const path = markPath(where, unit, place);
    const text = readText(path);
    return text === undefined ? [] : [markOf(place, path, text)];
  });
}

const CONDITION = BLOCKED.map(([, key, value]) => `${key}=${value}`).join('\n');

/** Throws a Failure where it is not one of ours, or damaged. */
export function markOf(place: Place, path: string, text: string): MarkFile {
  const reading = readUnit(text);
  if (reading.kind !== 'ours' || reading.fields === undefined) {
    throw new Failure({
      code: 'stamp-unreadable',
      summary: `cannot read what ${path} says${reading.kind === 'unreadable' ? `: ${reading.why}` : ''}`,
      file: path,
      hint: 'it was written by another version of reconciled, or damaged: look at it, then move it away',
    });
  }
  const { stamp, fields, made, body, intact } = reading;
  const { enabled, ran, active, links } = fields;
  return {
    place,
    file: { path, text, ...(made === undefined ? {} : { made }) },
    mark: {
      taken: { owner: stamp.owner, by: stampId(stamp), enabled: enabled === true, ran: ran === true },
      links: linksOf(links),
      active: active === true,
    },
    blocks: body.split('\n').includes(CONDITION),
    intact,
  };
}

function linksOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
