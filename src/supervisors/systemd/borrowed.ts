import { join } from 'node:path';
import { digest } from '../../canonical.ts';
import type { ActualDefinition, Boot, ServiceId } from '../../model.ts';
import { stampId } from '../../stamp.ts';
import { readText, writtenAt } from './disk.ts';
import type { UnitProperties } from './manager.ts';
import { dropInPath, SETTINGS } from './names.ts';
import { readUnit } from './read-unit.ts';
import { type Made, type Ran, runOf } from './runs.ts';
import { actual, besides, type Found, foreign, hostFile, type Sight } from './sight.ts';

/** A unit of others that a service is about: its state, and our drop-in where there is one. */
export async function borrowed(sight: Sight, id: ServiceId, unit: string): Promise<Found | undefined> {
  const properties = await sight.manager.unit(unit);
  const path = dropInPath(sight.unitDir, unit, SETTINGS);
  const content = readText(path);
  const reading = content === undefined ? undefined : readUnit(content);
  const ours = reading?.kind === 'ours' ? reading : undefined;
  if (ours !== undefined && ours.stamp.owner !== sight.owner) return foreign(sight, id, ours.stamp.owner);
  const bare = { hash: digest({ unit }), fields: { unit } };
  const file = content === undefined || ours === undefined ? {} : { files: [hostFile(path, content, ours.made)] };
  const edited = ours !== undefined && !ours.intact;
  const definition: ActualDefinition = {
    ...(ours?.fields === undefined ? bare : { hash: ours.stamp.hash, fields: ours.fields }),
    ...file,
    boot: bootOf(properties),
    ...(edited ? { edited } : {}),
  };
  const made: Made = {
    id,
    unit,
    hash: definition.hash,
    fields: definition.fields,
    ...(edited ? { editedAt: writtenAt(path) } : {}),
  };
  const ran: Ran = { run: runOf(properties, sight.listed, made), restarts: properties.service?.restarts ?? 0 };
  return { ...actual(id, definition, ran, besides(sight, properties.id)), borrowed: true };
}

function bootOf({ fileState }: UnitProperties): Boot | 'fixed' {
  switch (fileState) {
    case 'enabled':
    case 'enabled-runtime':
      return 'enabled';
    case 'disabled':
      return 'disabled';
    case 'masked':
    case 'masked-runtime':
      return 'blocked';
    default:
      return 'fixed';
  }
}

/** Drop-ins of ours for units of others: each says whose it is. */
export function settingsOf({ disk, unitDir }: Sight): { readonly id: ServiceId; readonly unit: string }[] {
  return disk.dropInFolders(unitDir).flatMap((unit) => {
    const path = join(unitDir, `${unit}.d`, SETTINGS);
    if (!disk.dropIns(unit).includes(path)) return [];
    const text = readText(path);
    const reading = text === undefined ? undefined : readUnit(text);
    return reading?.kind === 'ours' ? [{ id: stampId(reading.stamp), unit }] : [];
  });
}
