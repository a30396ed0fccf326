import type { ServiceId } from '../model.ts';
import { gateWords } from '../planner/gates.ts';
import type { Prepared } from '../prepare.ts';
import type { DaemonEvent } from './event.ts';

/** Tells, once each, that something has waited long enough for a gate, and that a gate passes that was waited for. */
export function tellGates(
  tell: (event: DaemonEvent) => void,
): (prepared: Pick<Prepared, 'desired' | 'gates' | 'waits'>) => void {
  const told = new Map<ServiceId, string>();
  return ({ desired, gates, waits: { before, now } }) => {
    for (const [id, wait] of Object.entries({ ...before, ...now })) {
      const state = gates.get(id);
      const { written } = desired.services.find((one) => one.id === id) ?? {};
      if (state === undefined || written?.gate === undefined) continue;
      const event = { kind: 'gate', service: id, gate: gateWords(written.gate), since: wait.since } as const;
      if (state.kind === 'passed') tell({ ...event, what: { kind: 'passed' } });
      else if (Date.now() >= wait.until) {
        const { otherwise = 'wait' } = written.gate;
        const key = `${wait.since} ${otherwise}`;
        if (told.get(id) === key) continue;
        told.set(id, key);
        tell({ ...event, what: { kind: 'over', why: state.why, otherwise } });
      }
    }
    for (const id of told.keys()) if (now[id] === undefined) told.delete(id);
  };
}
