import type { Cause } from '../model.ts';
import { formatDuration } from '../units.ts';
import type { DaemonEvent, LevelEvent } from './event.ts';

type Told = Extract<DaemonEvent, { kind: 'level' | 'waiting-for' | 'waiting-over' }>;

/** What is told of levels and causes, in one line. */
export function healthText(event: Told): string {
  switch (event.kind) {
    case 'level':
      return levelText(event);
    case 'waiting-for':
      return `${event.service}: waiting for ${causeText(event.cause)}`;
    default:
      return `${event.service}: no longer waiting for ${event.on}, after ${seconds(event.after)}; its probes begin anew`;
  }
}

export function healthLevel(event: Told): 'info' | 'warn' | 'error' {
  if (event.kind === 'waiting-for') return 'warn';
  if (event.kind !== 'level' || event.to === undefined || event.to === 'HEALTHY') return 'info';
  return event.to === 'DEGRADED' ? 'warn' : 'error';
}

function levelText(event: LevelEvent): string {
  const { from, to, why } = event;
  const name = event.of === 'service' ? event.service : event.of === 'group' ? `group ${event.group}` : 'the host';
  const was = from === undefined ? '' : `${from} -> `;
  return `${name}: ${was}${to ?? 'no level'}${why === undefined ? '' : ` (${why})`}`;
}

function causeText({ on, via, why }: Cause): string {
  return `${on}${via.length === 0 ? '' : ` by way of ${via.join(', ')}`}: ${why}`;
}

function seconds(ms: number): string {
  return formatDuration(Math.max(1000, Math.round(ms / 1000) * 1000));
}
