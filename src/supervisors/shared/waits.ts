/** The waits of restarts in a row in ms: initial, factor times as long each, up to max. */
export function waits(initial: number, factor: number, max: number): readonly number[] {
  const all: number[] = [];
  // A thousand restarts in a row are beyond any budget that a growing wait makes sense with.
  for (let wait = initial; all.length < 1000; wait *= factor) {
    all.push(Math.min(wait, max));
    if (wait >= max || factor === 1 || wait === 0) break;
  }
  return all;
}
