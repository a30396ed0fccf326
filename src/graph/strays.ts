import { isOnThisHost } from '../host/procfs.ts';
import type { ServiceId } from '../model.ts';
import { type Command, keyOf, readCommand } from './command.ts';
import { type Candidate, type Declared, type Index, indexOf } from './declared.ts';
import { type Manager, managerOf } from './managers.ts';
import { type Match, matchCommands } from './match.ts';
import type { Process, Processes } from './processes.ts';

/** A process that runs a declared command outside its supervisor. Only an exact one may ever be acted on. */
export interface Stray {
  readonly service: ServiceId;
  readonly pid: number;
  readonly start: number;
  readonly match: Match;
  readonly manager: Manager;
  /** In words. */
  readonly why: string;
}

/** How likely it has to be for a plan to speak of it: a script of the same name elsewhere is not. */
const WORTH_TELLING = 0.5;

/**
 * Strays of these services. `known` are the processes that supervisors run; what descends from them is theirs too. Where
 * several in one line of descent match, the outermost exact one stands for all.
 */
export function straysOf(
  services: readonly Declared[],
  known: ReadonlySet<number>,
  processes: Processes,
): readonly Stray[] {
  // Looked at first: of many services that run one command, each of whose processes looks like all of them.
  const isKnown = ({ pid }: Process) =>
    known.has(pid) || processes.ancestorsOf(pid).some((above) => known.has(above.pid));
  return lookalikes(services, processes, WORTH_TELLING, isKnown).map(({ service, process, match }): Stray => {
    const manager = managerOf(process, processes);
    const { pid, start } = process;
    return { service: service.id, pid, start, match, manager, why: match.evidence.join('; ') };
  });
}

export interface Lookalike {
  readonly service: Declared;
  readonly process: Process;
  readonly match: Match;
}

/**
 * All processes that look like one of these services, but what another of the same line of descent stands for, and those
 * that `leaveOut` says: all that descend from such a one too.
 */
export function lookalikes(
  services: readonly Declared[],
  processes: Processes,
  least = 0,
  leaveOut: (process: Process) => boolean = () => false,
): readonly Lookalike[] {
  if (services.length === 0) return [];
  const index = indexOf(services);
  const found = [...processes].flatMap((process): readonly Lookalike[] => {
    // Ourselves, who have names of services on our command line.
    if (process.pid === globalThis.process.pid || leaveOut(process)) return [];
    const matches = matchesOf(process, index, least);
    // What is exactly one service is no other one by resemblance.
    const exact = matches.filter(({ match }) => match.kind === 'exact');
    return exact.length > 0 ? exact : matches;
  });
  const byService = Map.groupBy(found, ({ service }) => service.id);
  return found.filter((one) => !isToldBy(one, byService.get(one.service.id) ?? [], processes));
}

function matchesOf(process: Process, index: Index, least: number): readonly Lookalike[] {
  const command = readCommand(process.argv);
  if (command === undefined) return [];
  return candidatesOf(process, command, index).flatMap(({ service, wanted, command: ours }): Lookalike[] => {
    const match = matchCommands(process, command, wanted, ours);
    if (match.score === 0 || match.score < least) return [];
    return [
      { service, process, match: match.kind === 'exact' && !isOnThisHost(process.pid) ? elsewhere(match) : match },
    ];
  });
}

/** Of so many services of one program it can't be told which one a process resembles, only which it is. */
const MANY = 20;

function elsewhere({ score, evidence }: Match): Match {
  return { kind: 'likely', score: score * 0.6, evidence: [...evidence, 'but in a container of its own'] };
}

function candidatesOf(process: Process, command: Command, index: Index): readonly Candidate[] {
  const key = keyOf(command);
  const candidates = index.ofKey(key);
  if (candidates.length > MANY) return index.withArguments(key, command.args);
  // Arguments that are written over are one text; the program behind it tells.
  if (candidates.length > 0 || !/[\s:]/.test(process.argv[0] ?? '')) return candidates;
  const { exe } = process;
  const name = exe?.replace(/ \(deleted\)$/, '').replace(/^.*\//, '');
  if (name === undefined) return [];
  const rewritten = `file ${name}`;
  const ofProgram = index.ofKey(rewritten);
  return ofProgram.length > MANY ? index.withArguments(rewritten, command.args) : ofProgram;
}

/** Another one above or below it says the same with more right. */
function isToldBy(one: Lookalike, others: readonly Lookalike[], processes: Processes): boolean {
  if (others.length < 2) return false;
  const above = new Set(processes.ancestorsOf(one.process.pid).map(({ pid }) => pid));
  return others.some((other) => {
    if (other === one) return false;
    if (above.has(other.process.pid)) return other.match.kind === 'exact' || one.match.kind !== 'exact';
    const isBelow = processes.ancestorsOf(other.process.pid).some(({ pid }) => pid === one.process.pid);
    return isBelow && other.match.kind === 'exact' && one.match.kind !== 'exact';
  });
}
