import { readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Service, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { filePlace, filePlaces, type LogPlace, type LogPlaces } from '../log-place.ts';
import { readConfig } from './config-file.ts';
import type { Link } from './link.ts';
import type { Observer } from './observe.ts';
import { whyNot } from './presence.ts';
import type { Process, ProgramOptions } from './programs.ts';
import { callFailure, type ProcessInfo } from './rpc.ts';

/**
 * Where programs log: as supervisord itself says, which knows the files that it made up (AUTO) and what it still does by an
 * older configuration; where it can't be asked, as its files say.
 */
export async function logPlaces({ link, own }: Observer, services: readonly Service[]): Promise<LogPlaces> {
  let written: ReadonlyMap<string, Written> | undefined;
  const writtenOf = (id: ServiceId) => {
    written ??= readWritten(link);
    return written.get(id);
  };
  try {
    const asked = await ask(link, link.look(own()), services);
    const folder = asked.kind === 'infos' && asked.pid !== undefined ? folderOf(asked.pid) : '/';
    const places = new Map<ServiceId, readonly LogPlace[]>();
    for (const [i, { id }] of services.entries()) {
      const info = asked.kind === 'infos' ? asked.infos[i] : undefined;
      const found =
        info === undefined ? placesWritten(writtenOf(id)) : placesSaid(info, () => writtenOf(id)?.redirected);
      if (found !== undefined)
        places.set(
          id,
          found.map((place) => within(folder, place)),
        );
    }
    return asked.kind === 'infos' || places.size === services.length ? { places } : { places, problem: asked.problem };
  } catch (error) {
    const summary = `cannot tell where the programs of ${link.instance.config} log: ${callFailure(error)}`;
    return { places: new Map(), problem: { code: 'supervisord-unreadable', summary } };
  }
}

type Asked =
  | { readonly kind: 'infos'; readonly infos: readonly (ProcessInfo | undefined)[]; readonly pid?: number }
  | { readonly kind: 'unanswered'; readonly problem: Problem };

async function ask(link: Link, place: Link['place'], services: readonly Service[]): Promise<Asked> {
  const { instance } = link;
  const [unsafe] = instance.allowInsecureSocket ? [] : place.unsafe;
  const problem = place.problem ?? unsafe;
  if (problem !== undefined) return { kind: 'unanswered', problem };
  const presence = await link.presence();
  const silent = whyNot(instance, presence);
  if (silent !== undefined) return { kind: 'unanswered', problem: silent };
  // What it would do is what its files say.
  if (presence.kind === 'gone') return { kind: 'infos', infos: services.map(() => undefined) };
  const pid = presence.kind === 'up' ? { pid: presence.pid } : {};
  return { kind: 'infos', infos: await link.infos(services.map(({ id }) => id)), ...pid };
}

/** What relative paths are relative to: where supervisord was started. */
function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '/';
  }
}

function within(folder: string, place: LogPlace): LogPlace {
  return place.kind === 'file' ? { ...place, path: resolve(folder, place.path) } : place;
}

function placesSaid(
  { stdout_logfile: stdout = '', stderr_logfile: stderr = '' }: ProcessInfo,
  redirected: () => boolean | undefined,
): readonly LogPlace[] {
  if (stdout !== '' && stderr !== '') return filePlaces(stdout, stderr);
  if (stdout !== '' && redirected() === true) return [filePlace(stdout, ['stdout', 'stderr'])];
  if (stdout === '' && stderr === '') return [{ kind: 'nowhere', streams: ['stdout', 'stderr'], why: UNWRITTEN }];
  const nowhere = (stream: 'stdout' | 'stderr'): LogPlace => ({ kind: 'nowhere', streams: [stream], why: UNWRITTEN });
  return [
    stdout === '' ? nowhere('stdout') : filePlace(stdout, ['stdout']),
    stderr === '' ? nowhere('stderr') : filePlace(stderr, ['stderr']),
  ];
}

const UNWRITTEN = 'is written to no file by its supervisord (NONE, or syslog)';
const MADE_UP = 'goes to a file that its supervisord makes up (AUTO), and it can not be asked which';

interface Written {
  readonly process: Process;
  readonly redirected: ProgramOptions['redirect_stderr'];
}

function readWritten({ instance }: Link): ReadonlyMap<string, Written> {
  const { groups } = readConfig(instance.config);
  return new Map(
    groups.flatMap(({ programs }) =>
      programs.flatMap(({ options, processes }) =>
        processes.map((process) => [process.name, { process, redirected: options.redirect_stderr }] as const),
      ),
    ),
  );
}

function placesWritten(written: Written | undefined): readonly LogPlace[] | undefined {
  if (written === undefined) return undefined;
  const { process, redirected } = written;
  const streams = redirected ? (['stdout', 'stderr'] as const) : (['stdout'] as const);
  const place = (file: string, of: typeof streams | readonly ['stderr']): LogPlace => {
    if (file === 'NONE') return { kind: 'nowhere', streams: of, why: UNWRITTEN };
    if (file === 'AUTO') return { kind: 'nowhere', streams: of, why: MADE_UP };
    return filePlace(file, of);
  };
  const out = place(process.stdout.logfile, streams);
  return redirected ? [out] : [out, place(process.stderr.logfile, ['stderr'])];
}
