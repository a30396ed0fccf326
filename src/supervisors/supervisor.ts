import type { Definition, FieldTable, Outcome, Reading, Service, Step, SupervisorName } from '../model.ts';
import type { Problem } from '../problem.ts';

/** What keeps services running. One folder each; none imports another, nor the planner. */
export interface Supervisor extends AsyncDisposable {
  readonly name: SupervisorName;
  readonly fields: FieldTable;
  /** The definition of a service, or why this supervisor can't make a field true. Pure; only what was written is refused. */
  define(service: Service): Definition | Problem[];
  /**
   * Can this service be started here now: do command, interpreter, directory, user and log folder exist? The first
   * thing that stands in the way, or undefined. Reads only; asked before anything is stopped, in a dry run too.
   */
  check(service: Service): Promise<Problem | undefined>;
  /** Reads only. Never throws: what can't be read is a value. */
  observe(signal: AbortSignal): Promise<Reading>;
  /**
   * Takes one step and waits for its result (a start: until ready). Refuses where the object is not what `step.seen`
   * says. Never throws for what the host does; on abort it returns at once, with what was and wasn't done.
   */
  apply(step: Step, signal: AbortSignal): Promise<Outcome>;
  /** Calls `nudge` when something may have drifted; carries no content. */
  watch(nudge: () => void): AsyncDisposable;
}
