import type { Entry } from '../../journal/entry.ts';
import type { Style } from '../style.ts';
import { entryLines, widestService } from './history.ts';

interface Options {
  readonly style: Style;
  readonly width: number;
  /** Names that are to come: their column is as wide from the beginning. */
  readonly services: readonly string[];
}

/** What happens, a line each in the order in which it happened, as it comes: the same words as in a history. */
export function createEventsText({ style, width, services }: Options): (entries: readonly Entry[]) => string {
  let day = '';
  let column = widestService(services);
  return (entries) => {
    column = Math.max(column, widestService(entries.map(({ service = '' }) => service)));
    return entries
      .flatMap((entry) => {
        const today = new Date(entry.at).toISOString().slice(0, 10);
        const head = today === day ? [] : [...(day === '' ? [] : ['']), style.dim(`${today} UTC`)];
        day = today;
        return [...head, ...entryLines(entry, { style, width, column })];
      })
      .map((line) => `${line}\n`)
      .join('');
  };
}
