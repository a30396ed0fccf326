import { formatMarker, type Marker, parseMarker } from '../supervisors/shared/taken-marker.ts';
import type { Taken } from '../thing.ts';

/** A line of a crontab that runs something, or did until it was taken. Texts have bytes for characters. */
export interface Entry {
  /** From 1. */
  readonly line: number;
  /** As it is written there, or was. */
  readonly text: string;
  readonly taken?: Taken;
}

/** What is equal of equal lines: blanks at the ends and how many between words are no matter. */
export function keyOf(line: string): string {
  return line.replace(/^[ \t]+|[ \t\r]+$/g, '').replace(/[ \t]+/g, ' ');
}

/** Comments, empty lines and variables are none; a line that was taken is a comment with our marker. */
export function entriesOf(bytes: string): readonly Entry[] {
  return bytes.split('\n').flatMap((text, i): Entry[] => {
    if (ENTRY.test(text)) return [{ line: i + 1, text }];
    const marker = markerOf(text);
    return marker === undefined ? [] : [{ line: i + 1, text: marker.original, taken: marker.taken }];
  });
}

/** A minute, @reboot and the like; `-` before it keeps some crons from writing to the log. */
const ENTRY = /^[ \t]*[-0-9*@~]/;

/** Comments these lines out, in their place; what is taken already stays as it is. */
export function takeLines(bytes: string, key: string, taken: Taken): string {
  return mapLines(bytes, (text) =>
    ENTRY.test(text) && keyOf(text) === key ? [`# ${formatMarker(taken, text)}`] : [text],
  );
}

/**
 * Puts back what this owner has taken of these lines. One that somebody has written again meanwhile is there already: the
 * schedule would run twice.
 */
export function giveLines(bytes: string, key: string, owner: string): string {
  const isThere = entriesOf(bytes).some(({ text, taken }) => taken === undefined && keyOf(text) === key);
  return mapLines(bytes, (text) => {
    const marker = markerOf(text);
    if (marker === undefined || marker.taken.owner !== owner || keyOf(marker.original) !== key) return [text];
    return isThere ? [] : [marker.original];
  });
}

function markerOf(text: string): Marker | undefined {
  return text.startsWith('# ') ? parseMarker(text.slice(2)) : undefined;
}

function mapLines(bytes: string, change: (text: string) => readonly string[]): string {
  return bytes.split('\n').flatMap(change).join('\n');
}
