import type { DesiredState } from '../../../src/model.ts';
import { until } from '../../rig/host.ts';
import { type Shown, sh } from '../../rig/systemd/units.ts';
import type { Applied, Fleet, Planned } from './fleet.ts';

export const STATES: readonly DesiredState[] = ['running', 'stopped', 'manual', 'disabled', 'absent'];

/** How somebody, or something, brought units to where pairs start. */
export interface Start {
  readonly name: string;
  /** What Git said before, and was applied; `undefined` where it had no such service. */
  readonly from: readonly (DesiredState | undefined)[];
  /** A script for all units of it at once, which are its arguments. */
  readonly byHand?: string;
  /** What all of them come to by it. */
  readonly until?: (unit: Shown) => boolean;
  /** Its program fails from the first start on. */
  readonly broken?: true;
  /** systemd took it for failed, and still may where it is not to run. */
  readonly failed?: true;
  /** The state it is held from, which is another test's. */
  readonly except?: DesiredState;
  /** Its process was not started as Git has it: where it is to run there is a new one. */
  readonly strange?: true;
  /** Somebody has put a drop-in beside it, which stays and is told. */
  readonly besides?: true;
  /** Of a unit of others: it is not installed; it is somebody's own; it can have no mask. */
  readonly missing?: true;
  readonly own?: true;
  readonly unmaskable?: true;
  /** Settings of ours are asked for; its process was not started with them, and says nothing of itself. */
  readonly settings?: true;
  readonly unset?: true;
}

/** One state from one starting point. */
export interface Pair {
  readonly unit: string;
  /** The service that is about it. */
  readonly service: string;
  readonly first: DesiredState | undefined;
  readonly start: Start;
  readonly state: DesiredState;
}

export function pairsOf(
  starts: readonly Start[],
  states: readonly DesiredState[],
  { unit = '', service = '' } = {},
): readonly Pair[] {
  return starts.flatMap((start) =>
    start.from.flatMap((first) =>
      states
        .filter((state) => state !== start.except)
        .map((state) => {
          const name = `${start.name}-${first ?? 'none'}-${state}`;
          return { unit: `${unit}${name}`, service: `${service}${name}`, first, start, state };
        }),
    ),
  );
}

/** `running, where Git said stopped and it was masked` */
export function words({ first, start, state }: Pair): string {
  return `${state}, where Git said ${first ?? 'nothing'}: ${start.name}`;
}

/** All pairs at once: before and after the one run that was to converge, and what a dry run said then. */
export interface Walk {
  readonly before: ReadonlyMap<string, Shown>;
  readonly foreseen: Planned;
  readonly applied: Applied;
  readonly after: ReadonlyMap<string, Shown>;
  readonly next: Planned;
}

/** Brings every pair to its starting point and has it made so. `others` are looked at before and after as well. */
export async function walk(
  fleet: Fleet,
  pairs: readonly Pair[],
  declare: (pair: Pair, state: DesiredState) => void,
  others: readonly string[],
): Promise<Walk> {
  const { host } = fleet;
  const units = [...pairs.map(({ unit }) => unit), ...others];
  for (const pair of pairs) {
    if (pair.first !== undefined) declare(pair, pair.first);
    if (pair.start.broken) fleet.breakdown(pair.unit);
  }
  const first = await fleet.apply();
  const broken = pairs.filter(({ start }) => start.broken).map(({ service }) => service);
  const failed = first.undone.map(({ service }) => service);
  if (failed.join() !== broken.sort().join()) throw new Error(`not applied at first: ${JSON.stringify(first.undone)}`);
  for (const start of new Set(pairs.map((pair) => pair.start))) {
    const own = pairs.filter((pair) => pair.start === start).map(({ unit }) => unit);
    if (start.byHand !== undefined) await sh(host, start.byHand, ...own);
    const { until: reached } = start;
    if (reached !== undefined) await until(async () => [...(await fleet.show(own)).values()].every(reached));
  }
  fleet.mend();
  const before = await fleet.show(units);
  for (const pair of pairs) declare(pair, pair.state);
  const foreseen = await fleet.dryRun();
  const applied = await fleet.apply();
  const after = await fleet.show(units);
  return { before, foreseen, applied, after, next: await fleet.dryRun() };
}
