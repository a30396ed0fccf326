import type { Taken } from '../../thing.ts';

/**
 * The comment that stands before a line of somebody's file that was taken, with the line as it was: from it alone the file
 * can be given back byte for byte. What begins a comment there stands before it.
 */
export function formatMarker({ owner, by, enabled, ran }: Taken, original: string): string {
  const [o, b] = [owner, by].map(encodeURIComponent);
  return `reconciled v1 superseded owner=${o} by=${b} enabled=${enabled} ran=${ran}: ${original}`;
}

export interface Marker {
  readonly taken: Taken;
  readonly original: string;
}

/** Undefined for any other text. */
export function parseMarker(text: string): Marker | undefined {
  const [whole, owner, by, enabled, ran] = MARKER.exec(text) ?? [];
  if (whole === undefined || owner === undefined || by === undefined) return undefined;
  try {
    const taken = { owner: decodeURIComponent(owner), by: decodeURIComponent(by) };
    return {
      taken: { ...taken, enabled: enabled === 'true', ran: ran === 'true' },
      original: text.slice(whole.length),
    };
  } catch {
    return undefined;
  }
}

const MARKER = /^reconciled v1 superseded owner=(\S+) by=(\S+) enabled=(true|false) ran=(true|false): /;
