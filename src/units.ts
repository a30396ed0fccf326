/** Durations (`10s`, `1m30s`) in milliseconds and sizes (`50MB`, `2GiB`) in bytes: one parser and one printer for each. */

const DURATION: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Milliseconds of a duration such as `10s` or `1m30s`; undefined where the text is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/([0-9.]+)(ms|s|m|h|d)/g)) {
    total += Number(number) * (DURATION[unit] ?? Number.NaN);
  }
  return Math.round(total);
}

/** The shortest duration text that parses to the same number: `90000` -> `1m30s`, `0` -> `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.round(ms);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const size = DURATION[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** In whole seconds, from 1 s on. */
export function roughly(ms: number): string {
  return formatDuration(ms < 1000 ? Math.max(1, Math.round(ms)) : Math.round(ms / 1000) * 1000);
}

/** Bytes of a size such as `50MB` (powers of 1000) or `2GiB` (powers of 1024); undefined where the text is none. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)(B|[kKMGT]B|[KMGT]iB)$/.exec(text);
  return match ? Math.round(Number(match[1]) * (SIZE[match[2] ?? ''] ?? Number.NaN)) : undefined;
}

/** The shortest size text that parses to the same number: the largest unit that divides it, powers of 1024 first. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B';
  let best = `${bytes}B`;
  for (const unit of ['TiB', 'TB', 'GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB']) {
    const size = SIZE[unit] ?? 1;
    if (bytes % size === 0 && `${bytes / size}${unit}`.length < best.length) best = `${bytes / size}${unit}`;
  }
  return best;
}
