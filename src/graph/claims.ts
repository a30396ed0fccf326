import { resolve } from 'node:path';
import type { ServiceId } from '../model.ts';
import { nameOfThing, type Thing } from '../thing.ts';
import type { Claim, Claims, Line } from './claim.ts';
import { keyOf, readCommand } from './command.ts';
import { CRON_PLACES, type CronPlaces, claimsOfCron } from './crontabs.ts';
import { type Declared, type Index, indexOf } from './declared.ts';
import { type Match, matchCommands } from './match.ts';
import { plausible } from './plausible.ts';
import type { Processes } from './processes.ts';
import { claimsOfPrograms, type SupervisordPlace, supervisordPlaces } from './programs.ts';
import { linesIn, type Names, namesOf, reaches, type Target, targetsOf } from './restarts.ts';
import { shown } from './shown.ts';
import { claimsOfUnits } from './units.ts';

/** Somebody else on this host who runs a declared service too, or restarts it, without anybody's doing. */
export interface Conflict {
  readonly service: ServiceId;
  readonly what: Claim['what'];
  readonly thing: Thing;
  /** `file:line`. */
  readonly where: string;
  readonly does: 'runs' | 'restarts';
  /** In words. */
  readonly why: string;
}

export interface ClaimOptions {
  /** Units of this owner are no conflict: they are of the desired state; of any owner where it is not told. */
  readonly owner?: string;
  /** Supervisords that are declared. */
  readonly supervisords?: readonly SupervisordPlace[];
  /** Where running supervisords are looked for. */
  readonly processes?: Processes;
  /** Also what a service supersedes, which is no surprise. */
  readonly superseded?: boolean;
  /** Where to look, where not in the usual places. */
  readonly unitFolders?: readonly string[];
  readonly cron?: CronPlaces;
}

/** How likely it has to be that it is the same: another user or interpreter is no comfort, another folder is another program. */
const ENOUGH = 0.6;

/** Who else claims these services, by what is on the disk. Cheap enough for every plan: nobody is asked. */
export function conflictsOf(services: readonly Declared[], options: ClaimOptions = {}): readonly Conflict[] {
  return conflictsIn(services, readClaims(options).claims, options.superseded === true);
}

/** What this host starts by itself, whoever it is about. */
export function readClaims({ owner, supervisords = [], processes, unitFolders, cron }: ClaimOptions = {}): Claims {
  const all = [
    claimsOfUnits(owner, unitFolders),
    claimsOfPrograms(supervisordPlaces(supervisords, processes)),
    claimsOfCron(cron ?? CRON_PLACES),
  ];
  return { claims: all.flatMap(({ claims }) => claims), unreadable: all.flatMap(({ unreadable }) => unreadable) };
}

/** Pure. */
export function conflictsIn(
  services: readonly Declared[],
  claims: readonly Claim[],
  superseded = false,
): readonly Conflict[] {
  const lines = claims.flatMap(({ runs }) => runs.flatMap(({ argv }) => [argv, ...linesIn(argv)]));
  const index = indexOf(plausible(services, lines));
  const isDealtWith = superseded ? () => false : supersededBy(services);
  const running = claims.flatMap((claim) => runBy(claim, index));
  const also = Map.groupBy(running, ({ service }) => service);
  const orders = claims.flatMap((claim) => ordersOf(claim).map((order) => [order, claim] as const));
  const named = (service: Declared) => {
    const things = (also.get(service.id) ?? []).map(({ thing }) => thing);
    return [service, namesOf(service, things)] as const;
  };
  const names = orders.length === 0 ? [] : services.map(named);
  const restarting = orders.flatMap(([order, claim]) => restartedBy(order, claim, names));
  // All of its processes, one by one.
  const inParts = claims.filter(({ parts = [] }) => parts.length > 0 && parts.every(isDealtWith));
  const whole = new Set(inParts.map(({ thing }) => keyOfThing(thing)));
  return once([...running, ...restarting]).filter(({ thing }) => !isDealtWith(thing) && !whole.has(keyOfThing(thing)));
}

/** Is this thing named in `supersedes` of any of these services? */
export function supersededBy(services: readonly Declared[]): (thing: Thing) => boolean {
  const keys = new Set(services.flatMap(({ supersedes }) => supersedes.map(keyOfThing)));
  return (thing) => keys.has(keyOfThing(thing));
}

/** What a claim has others do: by a command line, or as a timer starts its unit. */
interface Order {
  readonly target: Target;
  readonly where: string;
  readonly why: string;
}

function ordersOf({ runs, starts }: Claim): readonly Order[] {
  const told = runs.flatMap(({ argv, where }) =>
    linesIn(argv).flatMap((words) =>
      targetsOf(words).map((target): Order => ({ target, where, why: `\`${shown(words)}\`` })),
    ),
  );
  if (starts === undefined) return told;
  return [
    ...told,
    { target: { kind: 'unit', name: starts.unit }, where: starts.where, why: `it starts ${starts.unit}` },
  ];
}

function restartedBy(
  { target, where, why }: Order,
  { what, thing }: Claim,
  names: readonly (readonly [Declared, Names])[],
): readonly Conflict[] {
  return names
    .filter(([service, known]) => reaches(target, known) && (thing.kind !== 'unit' || service.unit !== thing.unit))
    .map(([service]) => ({ service: service.id, what, thing, where, does: 'restarts', why }));
}

function runBy({ what, thing, runs }: Claim, index: Index): readonly Conflict[] {
  return runs.flatMap((line) =>
    [line.argv, ...linesIn(line.argv)].flatMap((argv) =>
      matchesOf({ ...line, argv }, index)
        // It is that unit itself.
        .filter(({ service }) => thing.kind !== 'unit' || service.unit !== thing.unit)
        .map(({ service, match }): Conflict => {
          const why = match.evidence.join('; ');
          return { service: service.id, what, thing, where: line.where, does: 'runs', why };
        }),
    ),
  );
}

function matchesOf(line: Line, index: Index): readonly { readonly service: Declared; readonly match: Match }[] {
  const command = readCommand(line.argv, true);
  if (command === undefined) return [];
  // As whom it runs may be left to who starts it, or to a `sudo` on the way: that is no doubt.
  const anybody = line.user === undefined || switches(line.argv);
  const found = index.withFirstOf(keyOf(command), command.args).map(({ service, wanted, command: ours }) => ({
    service,
    match: matchCommands(line, command, anybody ? { ...wanted, user: undefined } : wanted, ours),
  }));
  return found.filter(({ match }) => match.score >= ENOUGH);
}

function switches(argv: readonly string[]): boolean {
  return argv.some((word) => /(^|\/)(sudo|runuser|su|doas|setpriv)$/.test(word));
}

/** The same line may be read in two ways. */
function once(conflicts: readonly Conflict[]): readonly Conflict[] {
  const key = ({ service, thing, where, does }: Conflict) => [service, keyOfThing(thing), where, does].join('\0');
  return [...new Map([...conflicts].reverse().map((conflict) => [key(conflict), conflict])).values()].reverse();
}

/** The same for what is the same thing, however it is written. */
function keyOfThing(thing: Thing): string {
  if (thing.kind === 'cron') return `cron ${thing.line.trim().split(/\s+/).join(' ')}`;
  if (thing.kind !== 'program') return `${thing.kind} ${nameOfThing(thing)}`;
  // `web:web` and `web` are one.
  const [group, program = group] = thing.program.split(':', 2);
  return `program ${group === program ? program : thing.program} ${resolve(thing.config)}`;
}
