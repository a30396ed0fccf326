import { basename, join } from 'node:path';
import { variableOf } from '../../host/procfs.ts';
import type { ActualDefinition, Boot, HostFile, Reading, Service, ServiceId } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { parseStamp, STAMP, type Stamp, stampId } from '../../stamp.ts';
import { borrowed, settingsOf } from './borrowed.ts';
import { mainPidsOf } from './cgroup.ts';
import { type Disk, type Fragment, foldersOf, readDisk, readText, writtenAt } from './disk.ts';
import { idsOf, takesOwn } from './ids.ts';
import { BLOCK, unitOfId } from './names.ts';
import { readUnit } from './read-unit.ts';
import { type Listed, ranOf } from './runs.ts';
import {
  actual,
  besides,
  type Found,
  foreign,
  hostFile,
  inPlace,
  type Observer,
  problemOf,
  type Sight,
  supersededBy,
  withoutHand,
} from './sight.ts';
import { openUnitFiles, type UnitFile, type UnitFiles } from './unit-files.ts';

/**
 * All that is ours under systemd, and what bears the name of a declared service. The list of units is asked for once;
 * files, drop-ins and links are read from disk; of units only what that can't tell is asked for.
 */
export async function observe(o: Observer, declared: readonly Service[], thorough: boolean): Promise<Reading> {
  try {
    const asked = Promise.all([o.manager.listUnits(['*']), o.manager.state()]);
    asked.catch(() => {}); // It is awaited below, unless reading fails first.
    // What takes us long is done while systemd answers.
    const disk = readDisk(foldersOf(o.scope));
    const unitFiles = openUnitFiles();
    readAhead(disk, unitFiles, o.unitDir);
    const [units, state] = await asked;
    if (state === 'stopping') {
      const summary = 'cannot tell what systemd should do: this host is shutting down';
      return { kind: 'unreadable', problem: { code: 'shutting-down', summary } };
    }
    const listed: Listed = new Map(units.map((unit) => [unit.name, unit]));
    const states = new Map(declared.map(({ id, state }) => [id, state]));
    const takes = new Set(declared.filter(takesOwn).map(({ id }) => id));
    const sight: Sight = { ...o, disk, unitFiles, listed, thorough, mainPid: mainPidsOf(o.scope), states, takes };
    const own = declared.filter(({ written }) => written.unit === undefined);
    const seen = new Set<ServiceId>();
    const found: Promise<Found | undefined>[] = [];
    // What several ways lead to is read once; a reading that nobody awaits would fail unheard.
    const look = (id: ServiceId, read: () => Promise<Found | undefined>) => {
      if (!seen.has(id)) found.push(read().catch((error: unknown) => damaged(id, error)));
      seen.add(id);
    };
    for (const service of declared) {
      const { unit } = service.written;
      if (unit !== undefined) look(service.id, () => borrowed(sight, service.id, unit, service));
    }
    for (const name of disk.namesIn(o.unitDir)) {
      const ids = idsOf(sight, name, own);
      const file = ids.length === 0 ? undefined : fileOf(sight, name);
      if (file !== undefined) for (const id of ids) look(id, () => ofFile(sight, id, file));
    }
    for (const { id, unit } of settingsOf(sight)) look(id, () => borrowed(sight, id, unit, undefined));
    for (const { id } of own) look(id, () => withoutFile(sight, id));
    // Of what nobody declares any more a block may be left, or a process.
    for (const name of disk.dropInFolders(o.unitDir)) {
      if (blockOf(sight, name) !== undefined)
        for (const id of idsOf(sight, name, own)) look(id, () => withoutFile(sight, id));
    }
    for (const { name, load, active } of units) {
      if (load === 'not-found' && active !== 'inactive' && name.endsWith('.service')) {
        const id = name.slice(0, -'.service'.length);
        look(id, () => withoutFile(sight, id));
      }
    }
    const objects = (await Promise.all(found)).filter((object) => object !== undefined);
    unitFiles.end();
    return { kind: 'read', objects: objects.sort((a, b) => (a.id < b.id ? -1 : 1)) };
  } catch (error) {
    return { kind: 'unreadable', problem: problemOf(error) };
  }
}

/** What can't be told of one unit says nothing of the others. */
function damaged(id: ServiceId, error: unknown): Found {
  const [problem] = error instanceof Failure ? error.problems : [];
  if (problem?.code !== 'stamp-unreadable') throw error;
  return { kind: 'unreadable', id, problem };
}

/** What can't be read is told where it is needed. */
function readAhead(disk: Disk, unitFiles: UnitFiles, folder: string): void {
  for (const name of disk.namesIn(folder)) {
    try {
      const fragment = disk.fragment(name);
      if (fragment?.kind === 'file') unitFiles.read(fragment.path);
    } catch {
      // Below, by the same call.
    }
  }
}

/** One read of a template serves all its instances. */
function fileOf({ disk, unitFiles }: Sight, name: string): OwnFile | undefined {
  const fragment = disk.fragment(name);
  return fragment === undefined
    ? undefined
    : { fragment, content: fragment.kind === 'file' ? unitFiles.read(fragment.path) : undefined };
}

interface OwnFile {
  readonly fragment: Fragment;
  readonly content: UnitFile | undefined;
}

/** Does systemd have it of a file in our folder, that somebody has removed since without a word to systemd? */
async function wasOfFile({ manager, unitDir }: Sight, unit: string): Promise<boolean> {
  const path = await manager.property(unit, 'FragmentPath');
  return path === join(unitDir, unit) || path === join(unitDir, unit.replace(/@.*(?=\.service$)/, '@'));
}

/** What has a file of its name in our folder: ours by its stamp, else somebody else's. */
async function ofFile(sight: Sight, id: ServiceId, { fragment, content }: OwnFile): Promise<Found | undefined> {
  // An empty one masks, as a link to /dev/null does.
  if (content === undefined || content.text === '') return withoutFile(sight, id);
  const { text, reading } = content;
  const { path } = fragment;
  if (reading.kind === 'foreign') return sight.takes.has(id) ? inPlace(sight, id, path) : foreign(sight, id, path);
  if (reading.kind === 'unreadable') {
    const summary = `cannot read the stamp of ${path}: ${reading.why}`;
    const hint = 'it was written by another version of reconciled, or damaged: look at it, then move it away';
    return { kind: 'unreadable', id, problem: { code: 'stamp-unreadable', summary, file: path, hint } };
  }
  const { stamp, fields, intact } = reading;
  if (stamp.owner !== sight.owner) return foreign(sight, id, stamp.owner);
  if (stamp.service !== id.split('@')[0]) return foreign(sight, id, `${path}, a copy of ${stamp.service}'s`);
  const unit = `${id}.service`;
  const block = blockOf(sight, unit);
  const superseded = supersededBy(sight, unit);
  const files = [hostFile(path, text, reading.made), ...blocksOf(block, superseded)];
  const edited = !intact || block?.intact === false;
  const definition: ActualDefinition = {
    ...(fields === undefined ? { hash: stamp.hash } : { hash: stamp.hash, fields }),
    files,
    boot: bootOf(sight, unit, block !== undefined || superseded.length > 0),
    ...(edited ? { edited } : {}),
  };
  const made = { id, unit, hash: stamp.hash, fields, ...(intact ? {} : { editedAt: writtenAt(path) }) };
  const ran = await ranOf(sight, made);
  return actual(id, definition, superseded.length === 0 ? ran : withoutHand(ran), besides(sight, unit));
}

/** All files that keep a unit of ours from being started, in the order a definition has them. */
function blocksOf(
  block: { readonly file: HostFile } | undefined,
  superseded: readonly { readonly file: HostFile }[],
): readonly HostFile[] {
  return [...(block === undefined ? [] : [block]), ...superseded].map(({ file }) => file);
}

/** Our drop-in that keeps a unit from being started. */
function blockOf({ disk, owner, unitDir }: Sight, unit: string) {
  const path = disk.dropIns(unit).find((conf) => conf.startsWith(`${unitDir}/`) && conf.endsWith(`/${BLOCK}`));
  const text = path === undefined ? undefined : readText(path);
  if (path === undefined || text === undefined) return undefined;
  const reading = readUnit(text);
  if (reading.kind !== 'ours' || reading.stamp.owner !== owner) return undefined;
  return { file: hostFile(path, text, reading.made), intact: reading.intact };
}

/** What is enabled and blocked is told as enabled: nobody is to find it so once it is no longer blocked. */
function bootOf({ disk }: Sight, unit: string, blocked: boolean): Boot {
  return disk.links(unit).length > 0 ? 'enabled' : blocked ? 'blocked' : 'disabled';
}

/**
 * What has no file of ours: absent, masked, somebody else's under the same name, or only a process or a block of ours. A
 * mask says nothing but that nobody may start it: it is taken away for what is declared, and is nothing to all others.
 */
async function withoutFile(sight: Sight, id: ServiceId): Promise<Found | undefined> {
  const { disk, listed, states } = sight;
  const unit = `${id}.service`;
  const fragment = disk.fragment(unit);
  if (fragment?.kind === 'link') {
    // To a file elsewhere of its own name, as `systemctl link` makes it; to another name it is an alias.
    const same = basename(fragment.target) === unit && sight.takes.has(id);
    return same ? inPlace(sight, id, fragment.path) : foreign(sight, id, `${fragment.path} -> ${fragment.target}`);
  }
  if (fragment?.kind === 'file' && readText(fragment.path) !== '')
    return sight.takes.has(id) ? inPlace(sight, id, fragment.path) : foreign(sight, id, fragment.path);
  const { active = 'inactive', load } = listed.get(unit) ?? {};
  const known = fragment === undefined && load === 'loaded';
  if (known && !(await wasOfFile(sight, unit))) {
    return foreign(sight, id, 'a unit of that name without a file: an alias, or made at run time');
  }
  const state = states.get(id) ?? 'absent';
  const dead = active === 'inactive' || active === 'failed';
  const stamp = dead ? undefined : await stampOf(sight, id);
  if (known && !dead && stamp === undefined) return foreign(sight, id, 'a unit of that name whose file is gone');
  const mask = state === 'absent' ? undefined : fragment;
  if (mask !== undefined) {
    const hidden = disk.behind(unit, mask.path);
    if (hidden !== undefined) return foreign(sight, id, `${hidden}, which is masked`);
    if (active === 'active' && stamp === undefined) return foreign(sight, id, `a masked unit that runs (${mask.path})`);
  }
  const block = blockOf(sight, unit);
  // Of what nobody declares it is told by whoever asks what has been taken over.
  const blocks = blocksOf(block, states.has(id) ? supersededBy(sight, unit) : []);
  if (mask === undefined && stamp === undefined && blocks.length === 0) return undefined;
  const ran = await ranOf(sight, { id, unit, hash: stamp?.hash, fields: undefined });
  const files = [...(mask === undefined ? [] : [{ path: mask.path, text: '' }]), ...blocks];
  // What is to be disabled has a block of its own: it must not stay enabled behind the mask.
  const boot = mask !== undefined && state !== 'disabled' ? 'blocked' : bootOf(sight, unit, blocks.length > 0);
  return actual(id, { hash: stamp?.hash, boot, edited: true, files }, ran, besides(sight, unit));
}

/** The stamp in the process of a unit, where it is of this service of ours. */
async function stampOf({ manager, owner }: Sight, id: ServiceId): Promise<Stamp | undefined> {
  const pid = await manager.property(unitOfId(id), 'MainPID');
  const stamp = parseStamp((pid > 0 ? variableOf(pid, STAMP) : undefined) ?? '');
  return stamp !== undefined && stampId(stamp) === id && stamp.owner === owner ? stamp : undefined;
}
