import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, type Problem } from '../problem.ts';
import { environmentOf } from './environment.ts';
import { Corrupt, type Objects, openObjects, readerOf } from './objects.ts';
import { FETCHED, mirrorOf, type Remote } from './remote.ts';
import { type Answer, isOutside, maskRemote, problemOf, type RunOptions, runGit } from './run.ts';

/** A bare repository of ours with the commits of another: all of their history, and of files only what was needed. */
export interface Mirror {
  readonly remote: Remote;
  run(args: readonly string[], options?: RunOptions): Promise<Answer>;
  /** Asks about commits that are here: nothing is fetched for it. */
  ask(args: readonly string[], options?: RunOptions): Promise<Answer>;
  /** The commit (or tag) that the remote's ref is at, without fetching. Fails where it can't be asked. */
  lookUp(): Promise<string>;
  /** Fetches the ref, and gives what it is at. */
  fetch(): Promise<string>;
  /** Fetches single objects. */
  fetchObjects(ids: readonly string[]): Promise<void>;
  /** Fetches what has another name than the ref; undefined where the remote has none of it. */
  fetchNamed(name: string): Promise<string | undefined>;
  objects(): Objects;
  /** Nothing in it is damaged, as far as can be told: reads all of it. */
  isSound(): Promise<boolean>;
  /** Throws away what is damaged: it is to be fetched anew. */
  renew(): Promise<void>;
}

/** A fetch that touches nothing but what it is told to. */
export const FETCH = [
  'fetch',
  '--progress',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
];
/** Packs that fetches leave behind before they are made one. */
const MOST_PACKS = 40;

/** Opens the mirror of a remote, and makes it where there is none. Whoever fetches holds its lock. */
export async function openMirror(remote: Remote, signal?: AbortSignal): Promise<Mirror> {
  const environment = environmentOf(remote);
  const folder = mirrorOf(remote);
  const options = signal === undefined ? {} : { signal };
  const run = (args: readonly string[], more: RunOptions = {}) =>
    runGit(remote, environment, args, { ...options, ...more });
  const must = async (args: readonly string[], more: RunOptions = {}): Promise<string> => {
    const answer = await run(args, more);
    if (answer.kind === 'done') return answer.text;
    throw new Failure(problemOf(answer.failure, remote));
  };

  const create = async () => {
    const aside = `${folder}.${process.pid}.tmp`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(remote.folder, { recursive: true, mode: 0o700 });
    const answer = await runGit(remote, { ...environment, GIT_DIR: aside }, [
      'init',
      '--quiet',
      '--bare',
      '--template=',
      aside,
    ]);
    if (answer.kind === 'failed') throw new Failure(problemOf(answer.failure, remote));
    renameSync(aside, folder);
  };
  const renew = async () => {
    const bad = `${folder}.bad`;
    rmSync(bad, { recursive: true, force: true });
    if (existsSync(folder)) renameSync(folder, bad);
    await create();
  };

  const fetchInto = async (args: readonly string[]): Promise<void> => {
    await must([...FETCH, '--no-tags', ...args]);
  };
  const fetch = async (): Promise<string> => {
    const known = readRef(folder) !== undefined;
    await fetchInto([filterFor(known), 'origin', `+${remote.ref ?? 'HEAD'}:${FETCHED}`]);
    const id = readRef(folder);
    if (id === undefined) throw new Corrupt(`${FETCHED} is not there after a fetch`);
    return id;
  };

  if (!existsSync(join(folder, 'HEAD')) || !existsSync(join(folder, 'objects'))) await renew();
  const reader = { ...environment, ...readerOf(remote) };
  return {
    remote,
    run,
    ask: (args, more = {}) => runGit(remote, reader, args, { ...options, ...more }),
    renew,
    isSound: async () => {
      const answer = await run(['fsck', '--no-dangling', '--no-progress'], { silent: 300_000, most: 300_000 });
      return answer.kind === 'done' || answer.failure.reason !== 'said';
    },
    objects: () => openObjects(remote, environment),
    lookUp: async () => {
      const wanted = remote.ref ?? 'HEAD';
      const text = await must(['ls-remote', 'origin', ...namesOf(wanted)], { silent: 60_000, most: 120_000 });
      const id = pick(text, wanted);
      if (id !== undefined) return id;
      throw new Failure(problemOf({ reason: 'said', text: `couldn't find remote ref ${wanted}` }, remote));
    },
    fetch: async () => {
      const id = await fetch();
      if (packsIn(folder) > MOST_PACKS) await run(['repack', '-a', '-d', '-q'], { silent: 600_000 });
      return id;
    },
    fetchObjects: async (ids) => {
      const named = ['--no-tags', '--filter=blob:none', '--stdin', 'origin'];
      const answer = await run(['-c', 'fetch.negotiationAlgorithm=noop', ...FETCH, ...named], {
        input: `${ids.join('\n')}\n`,
      });
      if (answer.kind === 'done') return;
      const problem = problemOf(answer.failure, remote);
      if (isOutside(problem)) throw new Failure(problem);
      // A server that gives nothing by its name: then all of it, once.
      await must([...FETCH, '--no-tags', '--refetch', '--no-filter', 'origin', `+${remote.ref ?? 'HEAD'}:${FETCHED}`]);
    },
    fetchNamed: async (name) => {
      const id = pick(await must(['ls-remote', 'origin', ...namesOf(name)]), name);
      if (id === undefined) return undefined;
      await fetchInto(['--filter=blob:none', 'origin', `+${id}:refs/reconciled/named/${id}`]);
      return id;
    },
  };
}

/**
 * The first time the whole history comes without the content of files; later what is new comes with it in one go, but for
 * files that are refused anyway.
 */
function filterFor(known: boolean): string {
  return known ? '--filter=blob:limit=1048577' : '--filter=blob:none';
}

/** The full names that a short one can have, as git looks for it on a remote. */
function namesOf(name: string): string[] {
  if (name === 'HEAD') return [name];
  return [name, `refs/${name}`, `refs/tags/${name}`, `refs/heads/${name}`].filter((one) => one.startsWith('refs/'));
}

function pick(text: string, name: string): string | undefined {
  const refs = new Map(
    text.split('\n').map((line) => {
      const [id = '', ref = ''] = line.split('\t');
      return [ref, id] as const;
    }),
  );
  return namesOf(name)
    .map((one) => refs.get(one))
    .find((id) => id !== undefined && /^[0-9a-f]{40,64}$/.test(id));
}

/** The ref that fetches write: a file with a name in it, for it is never packed. */
export function readRef(mirror: string, ref = FETCHED): string | undefined {
  try {
    const text = readFileSync(join(mirror, ref), 'utf8').trim();
    return /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function packsIn(folder: string): number {
  try {
    return readdirSync(join(folder, 'objects/pack')).filter((name) => name.endsWith('.pack')).length;
  } catch {
    return 0;
  }
}

/** A problem of what is damaged here and could not be mended. */
export function corruptProblem(remote: Remote, error: Corrupt): Problem {
  return {
    code: 'git-corrupt',
    summary: `cannot read commits of ${maskRemote(remote.url, remote)}: ${maskRemote(error.message, remote)}`,
    hint: `it is fetched anew by itself; else remove ${mirrorOf(remote)}`,
  };
}
