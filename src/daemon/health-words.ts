import type { BoardEvent, LevelEvent } from '../health/board-event.ts';
import type { Cause } from '../model.ts';
import { formatDuration } from '../units.ts';

/** What is told of levels and causes, in one line. */
export function healthText(event: BoardEvent): string {
  switch (event.kind) {
    case 'level':
      return levelText(event);
    case 'waiting-for':
      return `${event.service}: waiting for ${causeText(event.cause)}`;
    default:
      return `${event.service}: no longer waiting for ${event.on}, after ${seconds(event.after)}`;
  }
}

export function healthLevel(event: BoardEvent): 'info' | 'warn' | 'error' {
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
