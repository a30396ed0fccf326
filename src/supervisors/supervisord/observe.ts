import { variableOf } from '../../host/procfs.ts';
import { type Instance, serviceOfInstance } from '../../instance.ts';
import type { Actual, ActualDefinition, Reading, Run, Service, ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import { parseStamp, STAMP, stampId } from '../../stamp.ts';
import { withHold, withPermanent } from '../shared/held.ts';
import { type Child, orphansOf } from './children.ts';
import type { Link } from './link.ts';
import type { OwnPrograms, Program } from './own-programs.ts';
import { poolOf } from './pool.ts';
import { whyNot } from './presence.ts';
import { sectionDigest } from './program-text.ts';
import type { ProcessInfo } from './rpc.ts';
import { type Policy, runOfChild, runOfInfo } from './runs.ts';

export interface Observer {
  readonly link: Link;
  readonly owner: string;
  readonly restarts: Restarts;
  /** What is ours in its file now. */
  readonly own: () => OwnPrograms;
}

/**
 * All that is ours in one supervisord, and what bears the name of a declared service there. Files and /proc tell nearly
 * all; supervisord is asked whether it is well, and of what has no process. Never throws.
 */
export async function observe(o: Observer, declared: readonly Service[]): Promise<Reading> {
  const { link, owner, restarts } = o;
  const { instance } = link;
  try {
    const own = o.own();
    const { programs } = own;
    const place = link.look(own);
    const [unsafe] = instance.allowInsecureSocket ? [] : place.unsafe;
    const problem = place.problem ?? unsafe;
    if (problem !== undefined) return { kind: 'unreadable', problem };
    const presence = await link.presence();
    const silent = whyNot(instance, presence);
    if (silent !== undefined) return { kind: 'unreadable', problem: silent };
    const left =
      presence.kind === 'gone' && place.address.kind === 'socket' ? orphansOf(place.address.path, undefined) : [];
    // One of ours ends them before it is started again; another's would start each a second time.
    if (left.length > 0 && instance.owned === undefined)
      return { kind: 'unreadable', problem: leftBehind(instance, left) };

    const leftOf = byService(left, owner);
    const children = link.children();
    const idle = programs.filter(({ id }) => !children.has(id)).map(({ id }) => id);
    const infos = presence.kind === 'up' ? await infosOf(link, idle) : undefined;
    const runOf = ({ id, defined }: Program): Run => {
      const child = children.get(id);
      if (child !== undefined) return runOfChild(child, defined);
      if (infos === undefined) {
        const pid = leftOf.get(id);
        const gone = { kind: 'stopped', started: false, stoppedWith: nameOf(instance) } as const;
        return pid === undefined ? gone : { ...gone, left: pid };
      }
      const run = runOfInfo(infos.get(id), (defined.file.fields['restart.policy'] as Policy | undefined) ?? 'always');
      return withHold(withPermanent(run, defined.file.fields), restarts.hold(id));
    };
    const ours = programs
      .filter(({ defined }) => defined.file.owner === owner)
      .map((program) =>
        actual(program, runOf(program), restarts.account(program.id).restarts, place.groups.get(program.id)),
      );
    const seen = new Set(programs.map(({ id }) => id));
    const strangers = [...programs.filter(({ defined }) => defined.file.owner !== owner)].map(({ id, defined }) =>
      foreign(id, defined.file.owner, children.get(id)),
    );
    const others = declared.flatMap(({ id }) => {
      const where = seen.has(id) ? undefined : place.programs.get(id);
      return where === undefined ? [] : [foreign(id, `whoever wrote ${where}`, children.get(id))];
    });
    const strays = [...children.values()].flatMap((child) =>
      seen.has(child.name) || place.programs.has(child.name) ? [] : stray(child, owner),
    );
    const objects = [...ours, ...strangers, ...others, ...strays].sort((a, b) => (a.id < b.id ? -1 : 1));
    const remarks = [
      ...place.remarks,
      ...(instance.allowInsecureSocket ? place.unsafe.map(allowed) : []),
      ...(left.length === 0 ? [] : [leftBehind(instance, left)]),
    ];
    return { kind: 'read', objects, ...(remarks.length === 0 ? {} : { remarks }) };
  } catch (error) {
    return { kind: 'unreadable', problem: problemOf(instance, error) };
  }
}

async function infosOf(
  link: Link,
  ids: readonly ServiceId[],
): Promise<ReadonlyMap<ServiceId, ProcessInfo | undefined>> {
  const infos = await link.infos(ids);
  return new Map(ids.map((id, i) => [id, infos[i]]));
}

function actual(
  { id, path, text, defined: { file } }: Program,
  run: Run,
  restarts: number,
  neighbours: Actual['neighbours'],
): Actual {
  const pool = poolOf(id, file.fields);
  const definition: ActualDefinition = {
    hash: file.hash,
    fields: file.fields,
    ...(pool === undefined ? {} : { pool, poolDigest: sectionDigest(text) }),
    files: [{ path, text, ...(file.made === undefined ? {} : { made: file.made }) }],
    ...(file.edited ? { edited: true as const } : {}),
  };
  const more = neighbours === undefined ? {} : { neighbours };
  return { kind: 'actual', id, owner: { kind: 'ours' }, definition, run, restarts, ...more };
}

function foreign(id: ServiceId, owner: string, child: Child | undefined): Actual {
  const run: Run = child === undefined ? { kind: 'stopped', started: false } : runOfChild(child, undefined);
  return { kind: 'actual', id, owner: { kind: 'foreign', owner }, definition: { hash: undefined }, run, restarts: 0 };
}

/** A process of ours whose file is gone; what has no stamp of ours is somebody else's. */
function stray(child: Child, owner: string): Actual[] {
  const stamp = parseStamp(child.stamp ?? '');
  const run = runOfChild(child, undefined);
  const { name: id } = child;
  if (stamp === undefined || stampId(stamp) !== id) return [foreign(id, 'somebody else', child)];
  if (stamp.owner !== owner) return [foreign(id, stamp.owner, child)];
  return [{ kind: 'actual', id, owner: { kind: 'ours' }, definition: { hash: stamp.hash }, run, restarts: 0 }];
}

/** What people call it: the service that runs it, where that is ours. */
export function nameOf({ name, owned, config }: Instance): string {
  return owned === undefined ? `the supervisord of ${config}` : serviceOfInstance(name);
}

/** Processes by the service of ours that each is, those of lower numbers first. */
function byService(pids: readonly number[], owner: string): ReadonlyMap<ServiceId, number> {
  const found = new Map<ServiceId, number>();
  for (const pid of pids) {
    const stamp = parseStamp(variableOf(pid, STAMP) ?? '');
    if (stamp?.owner === owner && !found.has(stampId(stamp))) found.set(stampId(stamp), pid);
  }
  return found;
}

/** Its programs outlive a supervisord that was killed. */
function leftBehind(instance: Instance, pids: readonly number[]): Problem {
  const some = `${pids.slice(0, 10).join(', ')}${pids.length > 10 ? ` and ${pids.length - 10} more` : ''}`;
  const ours = instance.owned !== undefined;
  return {
    code: 'supervisord-left-behind',
    summary: `${nameOf(instance)} is gone, and what it ran goes on unsupervised: pid ${some}`,
    hint: ours
      ? 'it is ended before that is started again'
      : `end it, then start supervisord: kill ${pids.slice(0, 10).join(' ')}`,
  };
}

function allowed(problem: Problem): Problem {
  return { ...problem, summary: `allowed by allowInsecureSocket: ${problem.summary}` };
}

export function problemOf({ name }: Instance, error: unknown): Problem {
  const path = (error as NodeJS.ErrnoException).path;
  const summary = `cannot read the programs of supervisord/${name}: ${why(error)}${path === undefined ? '' : ` (${path})`}`;
  return { code: 'supervisord-unreadable', summary };
}
