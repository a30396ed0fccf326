import type { Target } from '../health/health.ts';
import { targetOf } from '../health/parse.ts';
import type { Service } from '../model.ts';
import type { Gate as Written } from '../planner/gates.ts';
import { parseDuration } from '../units.ts';

/** How a gate is tried, with its defaults filled; times in milliseconds. */
export interface Gate {
  readonly target: Target;
  /** How often it is tried while something waits for it. */
  readonly every: number;
  /** How long one try may take. */
  readonly tryFor: number;
  /** How long something waits for it. */
  readonly timeout: number;
  readonly otherwise: 'wait' | 'ask' | 'proceed';
}

/** With less than that (ms) it would be a busy loop. */
const SHORTEST = 100;

export function gateOf({ written }: Pick<Service, 'written'>): Gate | undefined {
  const { gate } = written;
  if (gate === undefined) return undefined;
  const { every = '10s', tryFor = '10s', timeout = '10m', otherwise = 'wait' } = gate;
  const ms = (text: string) => Math.max(SHORTEST, parseDuration(text) ?? 0);
  return {
    target: targetFor(gate),
    every: ms(every),
    tryFor: ms(tryFor),
    // To wait not at all is a way to say that it is only to be looked at.
    timeout: parseDuration(timeout) ?? 0,
    otherwise,
  };
}

function targetFor({ http, tcp, exec, file }: Written): Target {
  if (http) return targetOf({ http });
  if (exec) return targetOf({ exec });
  if (tcp) return targetOf({ tcp });
  const { path = '', changedWithin = '' } = file ?? {};
  const within = parseDuration(changedWithin);
  return targetOf({ file: { path, ...(within === undefined ? {} : { changedWithin: within }) } });
}
