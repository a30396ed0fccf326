import type { Problem } from '../problem.ts';
import type { ProcessMark, Taken, Thing, ThingState } from '../thing.ts';

/** What became of an attempt; a problem says what stands in the way and what was done all the same. */
export type Taking = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly problem: Problem };

export const TAKEN_DONE: Taking = { kind: 'done' };

/** A stop that is proven. */
export type Ending =
  /** `at` is when a process of it was seen last (performance.now() ms); undefined where none was there. `killed`: those that did not end by themselves. */
  | { readonly kind: 'gone'; readonly at?: number; readonly killed?: readonly ProcessMark[] }
  | { readonly kind: 'failed'; readonly problem: Problem };

/**
 * Takes things of one kind from whoever runs them, and gives them back. Every call may be repeated: what is so already is
 * left so, and what an interrupted run left half done is finished. Nothing throws for what the host does.
 */
export interface Taker<T extends Thing = Thing> {
  /** How each is now, in the same order. Reads only. */
  look(things: readonly T[], signal: AbortSignal): Promise<readonly ThingState[]>;
  /** All that bear our mark (`There.taken`), whether or not anybody still declares them. Reads only. */
  taken(owner: string, signal: AbortSignal): Promise<readonly { readonly thing: T; readonly taken: Taken }[]>;
  /**
   * Keeps it from being started from now on and until the next boot, and remembers what it was; what runs goes on. After a
   * boot it is as it was before.
   */
  block(thing: T, taken: Taken, signal: AbortSignal): Promise<Taking>;
  /** Ends it and all its descendants, and proves that they are gone. `timeout` (ms): how long it has before it is killed. */
  stop(thing: T, timeout: number, signal: AbortSignal): Promise<Ending>;
  /** For good: neither at boot nor by hand; what defines it stays. The mark stays with it. */
  disable(thing: T, taken: Taken, signal: AbortSignal): Promise<Taking>;
  /** Takes off the block alone: it can be started, though nothing does so by itself. Does not start it. */
  unblock(thing: T, signal: AbortSignal): Promise<Taking>;
  /**
   * As it was before it was taken: no block, no mark, enabled where it was. `start`: it is started as well and awaited to be
   * up (where it can be: a process that somebody started by hand can't).
   */
  restore(thing: T, was: Taken, start: boolean, signal: AbortSignal): Promise<Taking>;
}
