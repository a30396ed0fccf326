import { digest } from '../../canonical.ts';
import { variableOf } from '../../host/procfs.ts';
import type { ActualDefinition, Boot, Definition, DesiredState, HostFile, Service, ServiceId } from '../../model.ts';
import { parseStamp, STAMP, stampId } from '../../stamp.ts';
import { blockOf } from './block.ts';
import { define } from './define.ts';
import { readText, writtenAt } from './disk.ts';
import type { UnitProperties } from './manager.ts';
import { BLOCK, dropInPath, SETTINGS } from './names.ts';
import { readUnit } from './read-unit.ts';
import { type Made, type Ran, runOf } from './runs.ts';
import { actual, besides, type Found, foreign, hostFile, type Sight, supersededBy, withoutHand } from './sight.ts';

/**
 * A unit of others that a service is about: its state, and our drop-ins where there are any. `service` is undefined where
 * nobody declares it any more.
 */
export async function borrowed(
  sight: Sight,
  id: ServiceId,
  unit: string,
  service: Service | undefined,
): Promise<Found | undefined> {
  const properties = await sight.manager.unit(unit);
  if (properties.id !== unit) return alias(id, unit, properties.id);
  const settings = ownDropIn(sight, unit, SETTINGS);
  const block = ownDropIn(sight, unit, BLOCK);
  const owner = settings?.stamp.owner ?? block?.stamp.owner ?? sight.owner;
  if (owner !== sight.owner) return foreign(sight, id, owner);
  // Nobody's wish is no reason to have it started again.
  const superseded = service === undefined ? [] : supersededBy(sight, unit);
  const files = [settings, block, ...superseded].flatMap((own) => (own === undefined ? [] : [own.file]));
  const edited = settings?.intact === false || block?.intact === false;
  const lost = settings === undefined ? lostDefinition(sight, properties, service) : undefined;
  const definition: ActualDefinition = {
    ...(lost ?? definitionOf(unit, settings)),
    ...(files.length === 0 ? {} : { files }),
    ...blockFor(sight, properties, service),
    boot: bootOf(properties, service?.state, block !== undefined || superseded.length > 0),
    ...(edited || lost !== undefined ? { edited: true } : {}),
  };
  const made: Made = {
    id,
    unit,
    hash: definition.hash,
    fields: definition.fields,
    ...(settings?.intact === false ? { editedAt: writtenAt(settings.file.path) } : {}),
  };
  const ran: Ran = { run: await runOf(sight, properties, made), restarts: properties.service?.restarts ?? 0 };
  const told = superseded.length === 0 ? ran : withoutHand(ran);
  return { ...actual(id, definition, told, besides(sight, unit)), borrowed: true };
}

/** What is done by one name of a unit is not seen by the other: enabling, masking, drop-ins. */
function alias(id: ServiceId, unit: string, name: string): Found {
  const summary = `cannot manage ${unit}: it is another name of ${name}`;
  return { kind: 'unreadable', id, problem: { code: 'alias', summary, hint: `write \`unit: ${name}\`` } };
}

type OwnDropIn = Extract<ReturnType<typeof readUnit>, { kind: 'ours' }> & { readonly file: HostFile };

function ownDropIn({ unitDir }: Sight, unit: string, name: string): OwnDropIn | undefined {
  const path = dropInPath(unitDir, unit, name);
  const text = readText(path);
  const reading = text === undefined ? undefined : readUnit(text);
  if (text === undefined || reading?.kind !== 'ours') return undefined;
  return { ...reading, file: hostFile(path, text, reading.made) };
}

function definitionOf(unit: string, settings: OwnDropIn | undefined) {
  if (settings?.fields === undefined) return { hash: digest({ unit }), fields: { unit } };
  return { hash: settings.stamp.hash, fields: settings.fields };
}

/** Somebody removed our drop-in, but its process has what the drop-in said: no reason for a new one. */
function lostDefinition(sight: Sight, { service: state }: UnitProperties, service: Service | undefined) {
  const pid = state?.mainPid ?? 0;
  const stamp = pid > 0 && service !== undefined ? parseStamp(variableOf(pid, STAMP) ?? '') : undefined;
  if (stamp === undefined || service === undefined || stampId(stamp) !== service.id) return undefined;
  const { scope: manager, unitDir, owner } = sight;
  const wanted = define(service, { manager, unitDir, owner, version: sight.manager.version });
  if (Array.isArray(wanted)) return undefined;
  const { hash, files = [] } = wanted as Definition;
  return stamp.hash === hash && stamp.owner === owner && files.length > 0 ? { hash } : undefined;
}

/** A unit whose file is where a mask would have to be can only be blocked by a drop-in. */
function blockFor({ owner, unitDir }: Sight, { load, fragment }: UnitProperties, service: Service | undefined) {
  if (service === undefined || load !== 'loaded' || !fragment?.startsWith(`${unitDir}/`)) return {};
  return { block: blockOf(service, { owner, unitDir }) };
}

/** What is enabled and blocked by our drop-in is told as enabled, as with units of ours. */
function bootOf({ fileState }: UnitProperties, state: DesiredState | undefined, blocked: boolean): Boot | 'fixed' {
  switch (fileState) {
    case 'enabled':
    case 'enabled-runtime':
      return 'enabled';
    case 'disabled':
      return blocked ? 'blocked' : 'disabled';
    case 'masked':
      return 'blocked';
    // Gone with the next boot: no way to be disabled.
    case 'masked-runtime':
      return state === 'disabled' ? 'disabled' : 'blocked';
    default:
      return blocked ? 'blocked' : 'fixed';
  }
}

/** Drop-ins of ours for units of others: each says whose it is. */
export function settingsOf(sight: Sight): { readonly id: ServiceId; readonly unit: string }[] {
  const { disk, unitDir } = sight;
  return disk.dropInFolders(unitDir).flatMap((unit) => {
    const there = (name: string) => disk.dropIns(unit).includes(dropInPath(unitDir, unit, name));
    const settings = there(SETTINGS) ? ownDropIn(sight, unit, SETTINGS) : undefined;
    const own = settings ?? (there(BLOCK) && isOfOthers(sight, unit) ? ownDropIn(sight, unit, BLOCK) : undefined);
    return own === undefined ? [] : [{ id: stampId(own.stamp), unit }];
  });
}

function isOfOthers({ disk }: Sight, unit: string): boolean {
  const fragment = disk.fragment(unit);
  return fragment?.kind === 'file' && readUnit(readText(fragment.path) ?? '').kind === 'foreign';
}
