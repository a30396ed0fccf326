import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { writeAtomic } from '../host/files.ts';
import { linkOf } from '../host/procfs.ts';
import { Failure, unreachable, why } from '../problem.ts';
import type { Change } from './install.ts';
import { type Places, UNIT } from './places.ts';
import { copyRelease, sync } from './release.ts';
import { NODE_FLAGS } from './unit-text.ts';

const run = promisify(execFile);

/**
 * Does what was shown, in its order: each part whole or not at all, so that whatever is interrupted is finished by the
 * next run. The release that is about to be used is tried before anything leads to it. Throws a Failure.
 */
export async function carryOut(changes: readonly Change[], places: Pick<Places, 'prefix'>): Promise<void> {
  for (const change of changes) {
    try {
      await take(change);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw new Failure({
        code: 'not-installed',
        summary: `cannot ${verbOf(change)}: ${why(error)}`,
        hint: 'what was done before it stays; run it again once that is mended',
      });
    }
  }
  if (changes.some((change) => change.kind === 'file')) await systemctl('daemon-reload');
  if (existsSync(places.prefix) && readdirSync(places.prefix).length === 0) rmdirSync(places.prefix);
}

async function take(change: Change): Promise<void> {
  switch (change.kind) {
    case 'release':
      mkdirSync(dirname(change.path), { recursive: true, mode: 0o755 });
      await copyRelease(change.release, change.path, tryOut);
      await load(change.path).catch(() => undefined);
      return;
    case 'link':
      return link(change.path, change.to);
    case 'links':
      for (const name of change.made) link(join(change.folder, name), change.to + name);
      for (const name of change.gone) rmSync(join(change.folder, name), { force: true });
      return;
    case 'file':
      if (change.to === undefined) rmSync(change.path, { force: true });
      else writeAtomic(change.path, change.to, { mode: 0o644, sync: true });
      return;
    case 'remove':
      return rmSync(change.path, { recursive: true, force: true });
    case 'stop':
      await systemctl('disable', '--now', change.unit);
      return;
    default:
      return unreachable(change);
  }
}

function verbOf(change: Change): string {
  switch (change.kind) {
    case 'release':
    case 'file':
    case 'link':
      return `write ${change.path}`;
    case 'links':
      return `write links in ${change.folder}`;
    case 'remove':
      return `remove ${change.path}`;
    case 'stop':
      return `stop ${change.unit}`;
  }
}

/** A link is never missing in between. */
function link(path: string, to: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const next = `${path}.${process.pid}.tmp`;
  rmSync(next, { force: true });
  symlinkSync(to, next);
  try {
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
  sync(dirname(path));
}

const LOAD = `const [, dist] = process.argv;
process.getBuiltinModule('node:module').enableCompileCache(dist + '/compile-cache');
const { names, load } = await import(dist + '/preload.js');
for (const name of names) await load(name);`;

/** A Node that lacks a library of this host, or code that is not whole, must not be what the unit starts. */
async function tryOut(folder: string): Promise<void> {
  try {
    await run(join(folder, 'node/bin/node'), [join(folder, 'dist/cli.js'), '--version'], { timeout: 60_000 });
    await load(folder);
  } catch (error) {
    const detail = String((error as { readonly stderr?: unknown }).stderr ?? error).trim();
    const summary = `cannot use the release that was copied to ${folder}: it does not run there`;
    throw new Failure({ code: 'release-broken', summary, detail, hint: 'nothing was changed, and the copy is gone' });
  }
}

/** Loads all that a daemon could ever need, as it does: its first start finds it compiled. */
async function load(folder: string): Promise<void> {
  const args = [...NODE_FLAGS, '--input-type=module', '--eval', LOAD, join(folder, 'dist')];
  await run(join(folder, 'node/bin/node'), args, { timeout: 60_000 });
}

/** Throws a Failure with what it complains of. */
async function systemctl(...args: readonly string[]): Promise<string> {
  try {
    return (await run('systemctl', args, { timeout: 120_000 })).stdout;
  } catch (error) {
    const said = String((error as { readonly stderr?: unknown }).stderr ?? '').trim();
    throw new Failure({
      code: 'systemctl-failed',
      summary: `\`systemctl ${args.join(' ')}\` failed: ${said === '' ? why(error) : said}`,
      hint: '`systemctl status` shows how systemd is',
    });
  }
}

/** What systemd says of the unit now. */
export async function unitState(): Promise<{
  readonly active: boolean;
  readonly enabled: boolean;
  /** What its process was started from. */
  readonly program: string | undefined;
}> {
  const ask = async (verb: string) => (await run('systemctl', [verb, UNIT]).catch(({ stdout }) => ({ stdout }))).stdout;
  const [active, enabled, pid] = await Promise.all([
    ask('is-active'),
    ask('is-enabled'),
    run('systemctl', ['show', UNIT, '--property=MainPID', '--value']).then(({ stdout }) => Number(stdout)),
  ]);
  return {
    active: /^(active|activating|reloading)/.test(active),
    enabled: enabled.startsWith('enabled'),
    program: pid > 0 ? linkOf(pid, 'exe') : undefined,
  };
}
