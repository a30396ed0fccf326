import type { Json } from '../../canonical.ts';
import { formatDuration } from '../../units.ts';
import type { Style } from '../style.ts';
import { printable } from './printable.ts';

/** What came of a test alert. */
export interface Tried {
  readonly name: string;
  readonly place: string;
  /** ms */
  readonly took: number;
  readonly sent: { readonly kind: 'done'; readonly what: string } | { readonly kind: 'failed'; readonly why: string };
}

/** A line for each target. */
export function testText(tried: readonly Tried[], style: Style): string {
  const column = Math.max(...tried.map(({ name }) => name.length));
  return tried
    .map(({ name, place, took, sent }) => {
      const what = sent.kind === 'done' ? style.green('told  ') : style.red('failed');
      const more = printable(sent.kind === 'done' ? sent.what : sent.why);
      return `${style.bold(name.padEnd(column))}  ${what}  ${place}: ${more} (${formatDuration(took)})\n`;
    })
    .join('');
}

/** The same for programs. */
export function testJson(tried: readonly Tried[]): Json {
  return {
    targets: tried.map(({ name, place, took, sent }) => ({
      name,
      place,
      ok: sent.kind === 'done',
      took,
      answer: sent.kind === 'done' ? sent.what : null,
      why: sent.kind === 'done' ? null : sent.why,
    })),
  };
}
