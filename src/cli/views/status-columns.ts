import type { Level, ServiceStatus } from '../../model.ts';
import type { Style } from '../style.ts';

export interface Column {
  readonly title: string;
  readonly right?: true;
  readonly cell: (service: ServiceStatus, now: number) => string;
  /** Where the line would be too long. */
  readonly short?: (cell: string) => string;
  readonly mark?: (service: ServiceStatus, style: Style) => (text: string) => string;
}

export const SUPERVISOR: Column = { title: 'supervisor', cell: ({ supervisor }) => supervisor };
export const RESTARTS: Column = { title: 'restarts', right: true, cell: ({ restarts }) => String(restarts) };
/** The commit that was last applied to it. */
export const SINCE: Column = {
  title: 'since',
  cell: ({ revision }) => revision || '-',
  short: (cell) => cell.replace(/([0-9a-f]{7})[0-9a-f]+/, '$1').replace('+changes', '+'),
};
export const COLUMNS: readonly Column[] = [
  { title: 'service', cell: ({ name }) => name, mark: (_, style) => style.bold },
  SUPERVISOR,
  { title: 'desired', cell: ({ desired }) => desired },
  { title: 'state', cell: ({ state }) => state, mark: stateMark },
  { title: 'pid', right: true, cell: ({ pid }) => (pid === null ? '-' : String(pid)) },
  { title: 'uptime', right: true, cell: (service, now) => (service.pid === null ? '-' : age(service, now)) },
  RESTARTS,
  { title: 'health', cell: healthCell, mark: healthMark },
  SINCE,
];

export function levelMark(level: Level, style: Style): (text: string) => string {
  return level === 'HEALTHY' ? style.green : level === 'DEGRADED' ? style.yellow : style.red;
}

/** The two largest units: `3d04h`, `12m05s`, `8s`. */
export function age({ since }: Pick<ServiceStatus, 'since'>, now: number): string {
  if (since === null) return '-';
  return long(Math.max(0, Math.floor((now - Date.parse(since)) / 1000)));
}

function long(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (days > 0) return `${days}d${two(hours)}h`;
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

function stateMark({ state, desired }: ServiceStatus, style: Style): (text: string) => string {
  switch (state) {
    case 'RUNNING':
      return style.green;
    case 'STARTING':
    case 'STOPPING':
      return style.cyan;
    case 'FATAL':
    case 'HELD':
    case 'UNREADABLE':
      return style.red;
    case 'BACKOFF':
      return style.yellow;
    default:
      return desired === 'running' ? style.yellow : style.dim;
  }
}

/** Its level; where it has none yet, whether it is known what its probes say. */
function healthCell({ level, health }: ServiceStatus): string {
  return level ?? (health === 'none' ? '-' : health);
}

function healthMark({ level, health }: ServiceStatus, style: Style): (text: string) => string {
  if (level !== null) return levelMark(level, style);
  return health === 'none' ? style.dim : style.yellow;
}

const GROUP: Column = { title: 'group', cell: ({ group }) => group ?? '-' };
const USE: readonly Column[] = [
  { title: 'memory', right: true, cell: ({ use }) => (use == null ? '-' : bytes(use.memory)) },
  { title: 'cpu', right: true, cell: ({ use }) => (use == null ? '-' : cpuTime(use.cpu)) },
];
const DEFINITION: Column = {
  title: 'definition',
  cell: ({ definition }) => (definition === 'none' ? '-' : definition),
};
/** To the second, in UTC. */
const CHANGED: Column = { title: 'changed', cell: ({ since }) => since?.replace(/\.\d+Z$/, 'Z') ?? '-' };

/** All that is known of each, whatever the width. */
export const WIDE: readonly Column[] = COLUMNS.flatMap((column) => {
  if (column.title === 'service') return [column, GROUP];
  if (column.title === 'health') return [...USE, column, DEFINITION, CHANGED];
  return [column];
});

/** With three digits: `612M`. */
function bytes(count: number): string {
  const units = ['B', 'K', 'M', 'G', 'T'];
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number(value.toPrecision(3))}${units[unit]}`;
}

/** `0.42s`, `12.3s`, `4m05s`, `3h20m` */
function cpuTime(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)}s`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)}s` : long(Math.floor(ms / 1000));
}
