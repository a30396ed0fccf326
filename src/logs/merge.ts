import type { Emit, Line, Source } from './line.ts';

/** One source of what is there by now, the oldest first. */
export interface Feed {
  readonly source: Source;
  /** The next lines; undefined at its end. */
  next(): Promise<readonly Line[] | undefined> | readonly Line[] | undefined;
  /** When all of it counts as written where none of its lines bears a time (ms since the epoch). */
  readonly written: number;
}

interface Head {
  readonly feed: Feed;
  lines: readonly Line[];
  index: number;
  /** Of the line before, which counts for those without one. */
  time: number | undefined;
}

/** Merges by time where times are known; each source keeps its own order whatever its times are. */
export async function merge(
  feeds: readonly Feed[],
  emit: (...args: Parameters<Emit>) => Promise<void> | undefined,
): Promise<void> {
  const heads: Head[] = [];
  for (const feed of feeds) heads.push({ feed, lines: [], index: 0, time: undefined });
  let open = heads;
  for (;;) {
    await advanceAll(open.filter(({ index, lines }) => index >= lines.length));
    open = open.filter(({ lines }) => lines.length > 0);
    const first = earliest(open);
    if (first === undefined) return;
    const others = open.filter((head) => head !== first);
    const next = earliest(others);
    const limit = next === undefined ? Number.POSITIVE_INFINITY : timeOf(next);
    const begin = first.index;
    do {
      first.time = timeOf(first);
      first.index += 1;
    } while (first.index < first.lines.length && timeOf(first) <= limit);
    // Whoever takes them slowly is waited for.
    const taken = emit(first.feed.source, first.lines.slice(begin, first.index));
    if (taken !== undefined) await taken;
  }
}

/** So many at a time: each may be a process that reads the journal. */
const TOGETHER = 16;

async function advanceAll(heads: readonly Head[]): Promise<void> {
  for (let i = 0; i < heads.length; i += TOGETHER) await Promise.all(heads.slice(i, i + TOGETHER).map(advance));
}

async function advance(head: Head): Promise<void> {
  head.index = 0;
  do head.lines = (await head.feed.next()) ?? END;
  while (head.lines.length === 0 && head.lines !== END);
}

const END: readonly Line[] = [];

function earliest(heads: readonly Head[]): Head | undefined {
  let best: Head | undefined;
  for (const head of heads) if (best === undefined || timeOf(head) < timeOf(best)) best = head;
  return best;
}

/** Of its next line: its own, else of the one before, else of the first that bears one. */
function timeOf({ lines, index, time, feed }: Head): number {
  return lines[index]?.at ?? time ?? lines.find(({ at }) => at !== undefined)?.at ?? feed.written;
}
