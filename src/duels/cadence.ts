/** How regularly something comes back (ms): the median of the times between, the least and the most. */
export interface Cadence {
  readonly every: number;
  readonly least: number;
  readonly most: number;
}

/** Undefined for fewer than three times: two tell a distance, and no rhythm. Pure. */
export function cadenceOf(times: readonly number[]): Cadence | undefined {
  const sorted = [...times].sort((a, b) => a - b);
  const gaps = sorted
    .slice(1)
    .map((time, i) => time - (sorted[i] ?? time))
    .sort((a, b) => a - b);
  const [least, most, every] = [gaps[0], gaps.at(-1), gaps[Math.floor(gaps.length / 2)]];
  if (gaps.length < 2 || least === undefined || most === undefined || every === undefined) return undefined;
  return { every: Math.round(every), least: Math.round(least), most: Math.round(most) };
}

/** `every 2.0 s`, and how far it strays where that is more than a tenth: `every 2.0 s (1.2 to 3.9)`. */
export function cadenceWords({ every, least, most }: Cadence): string {
  const strays = Math.max(every - least, most - every) > every / 10;
  return `every ${seconds(every)} s${strays ? ` (${seconds(least)} to ${seconds(most)})` : ''}`;
}

function seconds(ms: number): string {
  return ms < 100 ? (ms / 1000).toFixed(2) : (ms / 1000).toFixed(1);
}
