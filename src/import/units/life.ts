import type { Json } from '../../canonical.ts';
import type { Lines } from './lines.ts';
import { lastOf, optional } from './process.ts';
import type { RawLine, UnitSource } from './source.ts';
import { countOf, durationOf, signalOf, spanOf } from './values.ts';

type Words = Readonly<Record<string, Json>>;

/** How it is stopped, and started again. */
export function lifeWords(lines: Lines, source: UnitSource): { readonly stop: Words; readonly restart: Words } {
  return { stop: stopWords(lines, source), restart: restartWords(lines, source) };
}

const TYPES = /^(simple|exec|forking|oneshot|dbus|notify|notify-reload|idle)$/;

/** What systemd takes it for (service_add_extras). */
export function typeOf(lines: Lines): string {
  const written = writtenType(lines);
  if (written !== undefined) return written;
  if (lastOf(lines, 'Service.BusName')) return 'dbus';
  return lines.list('Service.ExecStart').length > 0 ? 'simple' : 'oneshot';
}

function writtenType(lines: Lines): string | undefined {
  return lines.of('Service.Type').findLast(({ value }) => TYPES.test(value))?.value;
}

/** Ours is `exec` where nothing else is said. */
export function carryType(lines: Lines, type: string): void {
  if (writtenType(lines) === undefined) lines.first(['Service', 'Type', type]);
  else if (type === 'exec') lines.take('Service.Type');
}

function stopWords(lines: Lines, source: UnitSource): Words {
  const signal = signalOf(lastOf(lines, 'Service.KillSignal') ?? '');
  if (signal !== undefined) lines.take('Service.KillSignal');
  const mode = lastOf(lines, 'Service.KillMode');
  const tree = mode === 'process' ? false : mode === 'control-group' ? true : undefined;
  if (tree !== undefined) lines.take('Service.KillMode');
  return {
    ...optional('signal', signal),
    ...optional('timeout', stopTimeout(lines, source)),
    ...optional('tree', tree),
  };
}

/** TimeoutSec= says both; without a word of it the manager's default counts, which is not ours. */
function stopTimeout(lines: Lines, { defaults }: UnitSource): string | undefined {
  const names = ['Service.TimeoutSec', 'Service.TimeoutStopSec'];
  const written = lines.of(...names);
  const spans = written.map(({ value }) => spanOf(value));
  const us = written.length === 0 ? defaults.stopTimeout : spans.at(-1);
  const timeout = us === 0 ? undefined : durationOf(us);
  const said = written.at(-1)?.value ?? microseconds(defaults.stopTimeout);
  const instead: RawLine[] = timeout === undefined ? [['Service', 'TimeoutStopSec', said]] : [];
  if (spans.includes(undefined)) {
    // systemd takes of them what it understands.
    lines.first(['Service', 'TimeoutStopSec', microseconds(defaults.stopTimeout)]);
    return undefined;
  }
  const starts = lines.of('Service.TimeoutSec', 'Service.TimeoutStartSec');
  if (starts.some(({ key }) => key === 'TimeoutSec')) {
    const start: RawLine = ['Service', 'TimeoutStartSec', starts.at(-1)?.value ?? ''];
    lines.replace([...names, 'Service.TimeoutStartSec'], [start, ...instead]);
  } else lines.replace(names, instead);
  return timeout;
}

function restartWords(lines: Lines, source: UnitSource): Words {
  const codes = permanentCodes(lines);
  return {
    ...optional('policy', policyOf(lines)),
    ...optional('backoff', backoffOf(lines, source)),
    ...optional('limit', limitOf(lines, source)),
    ...optional('permanentExitCodes', codes),
  };
}

/** Where nothing is said it is not started again; ours would be. */
function policyOf(lines: Lines): string | undefined {
  const written = lastOf(lines, 'Service.Restart') ?? 'no';
  const policy = { no: 'never', always: 'always', 'on-failure': 'on-failure' }[written];
  if (policy === undefined) {
    lines.first(['Service', 'Restart', 'no']);
    return undefined;
  }
  lines.take('Service.Restart');
  // To us only exit code 0 is a clean end, to systemd some signals are one, too.
  if (policy === 'on-failure') lines.first(['Service', 'RestartForceExitStatus', '']);
  return policy;
}

/** A wait that grows is said by systemd in another way than by us. */
function backoffOf(lines: Lines, { defaults }: UnitSource): Words | undefined {
  const written = lines.of('Service.RestartSec');
  const spans = written.map(({ value }) => spanOf(value));
  const us = written.length === 0 ? defaults.restartDelay : spans.at(-1);
  const initial = durationOf(us);
  const grows = lines.of('Service.RestartSteps', 'Service.RestartMaxDelaySec').length > 0;
  if (initial === undefined || grows || spans.includes(undefined)) {
    lines.first(['Service', 'RestartSec', microseconds(defaults.restartDelay)]);
    return undefined;
  }
  lines.take('Service.RestartSec');
  return { initial, factor: 1, ...((us ?? 0) > 300e6 ? { max: initial } : {}) };
}

const INTERVAL = ['Unit.StartLimitIntervalSec', 'Unit.StartLimitInterval', 'Service.StartLimitInterval'];
const BURST = ['Unit.StartLimitBurst', 'Service.StartLimitBurst'];

/** systemd counts the first start too. */
function limitOf(lines: Lines, { defaults }: UnitSource): Words | undefined {
  const spans = lines.of(...INTERVAL).map(({ value }) => spanOf(value));
  const counts = lines.of(...BURST).map(({ value }) => countOf(value));
  const us = spans.findLast((span) => span !== undefined) ?? defaults.startLimitInterval;
  const starts = counts.findLast((count) => count !== undefined) ?? defaults.startLimitBurst;
  const within = durationOf(us);
  lines.take(...INTERVAL, ...BURST);
  if (within !== undefined && us > 0 && starts >= 2 && starts <= 100_001) return { restarts: starts - 1, within };
  lines.first(['Unit', 'StartLimitIntervalSec', microseconds(us)], ['Unit', 'StartLimitBurst', String(starts)]);
  return undefined;
}

/** Of several lines all count. */
function permanentCodes(lines: Lines): readonly number[] | undefined {
  const written = lines.list('Service.RestartPreventExitStatus').flatMap(({ value }) => value.split(/[ \t]+/));
  const codes = [...new Set(written.map(countOf))];
  if (codes.length === 0) return undefined;
  if (!codes.every((code) => code !== undefined && code >= 1 && code <= 255)) return undefined;
  lines.take('Service.RestartPreventExitStatus');
  return codes as readonly number[];
}

function microseconds(us: number): string {
  return us === Number.POSITIVE_INFINITY ? 'infinity' : `${us}us`;
}
