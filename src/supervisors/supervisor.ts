import type {
  Definition,
  FieldTable,
  Outcome,
  OwnStep,
  Reading,
  Service,
  Step,
  SupervisorName,
  Touch,
} from '../model.ts';
import type { Problem } from '../problem.ts';
import type { LogPlaces } from './log-place.ts';
import type { Taker } from './taker.ts';

/** What a reading may be asked for besides. */
export interface Also {
  /** All that a status shows and a plan does not need. */
  readonly thorough?: boolean;
  /** Nothing is done about what is seen: to whoever keeps services running it is news all the same. */
  readonly looking?: boolean;
  /** Processes that another supervisor accounts for: they need no look. */
  readonly known?: ReadonlySet<number>;
}

/** What keeps services running. One folder each; none imports another, nor the planner. */
export interface Supervisor extends AsyncDisposable {
  /** Others can change its objects: what differs with no change in Git may be somebody's doing. */
  readonly shared: boolean;
  readonly name: SupervisorName;
  readonly fields: FieldTable;
  /** Takes what it keeps running from others, and gives it back; absent where there is nothing of others. */
  readonly taker?: Taker;
  /** The definition of a service, or why this supervisor can't make a field true. Pure; only what was written is refused. */
  define(service: Service): Definition | Problem[];
  /**
   * Can this service be started here now: do command, interpreter, directory, user and log folder exist? The first
   * thing that stands in the way, or undefined. Reads only; asked before anything is stopped, in a dry run too.
   */
  check(service: Service): Promise<Problem | undefined>;
  /**
   * What stands in the way of a definition by itself, whoever starts it: `bad-definition`, where the supervisor would
   * not take it. Reads only; asked before a file is written, in a dry run too.
   */
  judge?(service: Service): Promise<Problem | undefined>;
  /**
   * Reads only. Never throws: what can't be read is a value. `declared` are this supervisor's services in Git: what bears
   * their names is told of too.
   */
  observe(signal: AbortSignal, declared?: readonly Service[], also?: Also): Promise<Reading>;
  /**
   * Does at once what all steps of an apply need, such as writing files that are read together; the steps that can't be
   * taken then, by id. Called before the first of them. Never throws.
   */
  prepare?(steps: readonly Step[], signal: AbortSignal): Promise<ReadonlyMap<string, Problem>>;
  /**
   * Takes one step and waits for its result (a start: until ready). Refuses where the object is not what `step.seen`
   * says. Never throws for what the host does; on abort it returns at once, with what was and wasn't done.
   */
  apply(step: OwnStep, signal: AbortSignal): Promise<Outcome>;
  /** What stands in the way of touching a service so, whether it runs or not. Reads only. */
  cannotTouch(service: Service, touch: Touch): Promise<Problem | undefined>;
  /**
   * Sends its process a signal, or has it read its settings anew, and waits for that. `pid`: its main process, as it was
   * seen a moment ago. Never throws.
   */
  touch(service: Service, touch: Touch, pid: number, signal: AbortSignal): Promise<Outcome>;
  /**
   * Calls `nudge` when something may have drifted; carries no content. Before that, and more often, `stir` at the first sign
   * that somebody is at work: who looks at once may still see him.
   */
  watch(nudge: () => void, stir?: () => void): AsyncDisposable;
  /** Where those of these services log now that it has, whatever Git says by now. Reads only; never throws. */
  logs(services: readonly Service[]): Promise<LogPlaces>;
}
