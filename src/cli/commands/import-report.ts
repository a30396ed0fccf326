import { basename, join, relative } from 'node:path';
import { nameOfOrigin, type ServiceDraft } from '../../import/drafts.ts';
import type { NewFile, Target } from '../../import/files.ts';
import type { Imported, Loss, Refused } from '../../import/found.ts';
import type { Gathered } from '../../import/gather.ts';
import type { Service } from '../../model.ts';
import type { ImportedService, ImportReport } from '../views/import.ts';

/** What was found, and the service that it is already. */
export interface There {
  readonly one: Imported;
  readonly service: Service;
}

export interface Parts {
  readonly target: Target;
  readonly kept: readonly ServiceDraft[];
  readonly files: readonly NewFile[];
  readonly refused: readonly Refused[];
  readonly there: readonly There[];
  readonly gathered: Gathered;
  readonly written: boolean;
}

/** All that an import has to tell. */
export function reportOf({ target, kept, files, refused, there, gathered, written }: Parts): ImportReport {
  return {
    services: kept.map(({ name, origin, warnings, losses }) => ({
      name,
      file: join(target.services, `${name}.yaml`),
      kind: origin.kind,
      origin: nameOfOrigin(origin),
      warnings,
      losses: losses.map(lossOf),
    })),
    supervisors: gathered.supervisors
      .filter(({ name }) => files.some((file) => file.kind === 'supervisor' && file.name === name))
      .map(({ name, path, losses }) => ({ name, from: path, losses: losses.map(lossOf) })),
    there: there.map(({ one, service }) => ({
      name: service.name,
      file: service.file,
      origin: nameOfOrigin(one.origin),
    })),
    refused: refused.map(({ origin, problem }) => ({ origin: nameOfOrigin(origin), problem })),
    files: files.map(({ path, kind, text, name }) => ({
      path: kind === 'environment' ? path : relative(target.directory, path),
      kind,
      text: kind === 'environment' ? undefined : text,
      keys: kind === 'environment' ? (kept.find((one) => one.name === name)?.env?.keys ?? []) : [],
    })),
    notices: gathered.notices,
    unread: gathered.unread,
    packaged: gathered.packaged,
    written,
  };
}

function lossOf({ key, value, at, why, noEffect }: Loss): ImportedService['losses'][number] {
  return {
    key,
    ...(value === undefined ? {} : { value }),
    ...(at === undefined ? {} : { where: `${basename(at.file)}:${at.line}` }),
    why,
    ...(noEffect === undefined ? {} : { noEffect }),
  };
}
