import { unreachable } from '../../problem.ts';
import { exitText } from '../shared/exit.ts';
import type { State } from './machine.ts';

/** Why a state is not what a start was to lead to; undefined where it is. */
export function whyNot(state: State, limit: string): string | undefined {
  switch (state.name) {
    case 'RUNNING':
    case 'EXITED':
      return undefined;
    case 'FATAL':
    case 'HELD':
      return state.reason;
    case 'BACKOFF':
      return `not ready within ${limit}, last: ${exitText(state.exit)}`;
    case 'STARTING':
    case 'STOPPING':
      return `not ready within ${limit}`;
    case 'STOPPED':
      return 'it was stopped meanwhile';
    default:
      return unreachable(state);
  }
}
