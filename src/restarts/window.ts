/** So many restarts in a time (ms), and no more. */
export interface Limit {
  readonly restarts: number;
  readonly within: number;
}

/** Those of these times, in order, that still count at `now`: each does for as long as the limit's time. */
export function counted(times: readonly number[], { within }: Limit, now: number): readonly number[] {
  return times.filter((at) => at > now - within);
}

/** When one more is within the limit: `now`, or when enough of these times no longer count. */
export function roomAt(times: readonly number[], limit: Limit, now: number): number {
  const recent = counted(times, limit, now);
  const last = recent[recent.length - limit.restarts];
  return last === undefined ? now : last + limit.within;
}
