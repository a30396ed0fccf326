/** Where a line says when it was written: near its begin. */
const NEAR = 64;

/** `2026-11-24T16:40:00.123Z`, `2026-11-24 16:40:00,123`, `2026/11/24 16:40:00`; without a zone it is that of the host. */
const DATE = /(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|[+-]\d\d:?\d\d))?/;

/** `"time":1795538400123`, as loggers that write JSON do. */
const EPOCH = /"(?:time|ts|timestamp)":(\d{10}(?:\.\d+)?|\d{13})\b/;

/** The time that a line bears (ms since the epoch); undefined where none is found. */
export function timeIn(line: string): number | undefined {
  const head = line.length > NEAR ? line.slice(0, NEAR) : line;
  const found = DATE.exec(head);
  if (found !== null) return ofDate(found);
  const epoch = EPOCH.exec(line.length > 200 ? line.slice(0, 200) : line)?.[1];
  if (epoch === undefined) return undefined;
  return epoch.length === 13 ? Number(epoch) : Math.round(Number(epoch) * 1000);
}

function ofDate([, year, month, day, hour, minute, second, fraction = '', zone]: RegExpExecArray): number | undefined {
  const ms = fraction.slice(0, 3).padEnd(3, '0');
  const at = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}${zone === undefined ? '' : zoneOf(zone)}`,
  );
  return Number.isNaN(at) ? undefined : at;
}

/** `+0100` as `+01:00`. */
function zoneOf(zone: string): string {
  return zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
}
