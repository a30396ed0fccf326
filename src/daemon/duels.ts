import type { Config } from '../config.ts';
import { ownSubject } from '../duels/subjects.ts';
import { supervisorsInUse } from '../engine.ts';
import { namesHere, recordDuel, wantedNow } from '../handover/duels.ts';
import type { Desired } from '../model.ts';
import { why } from '../problem.ts';
import type { Registry } from '../supervisors/index.ts';
import type { DaemonEvent } from './event.ts';
import { createProbation, type Probation } from './probation.ts';

/** Watches for duels over what was applied, and keeps and tells each before anything else is done. */
export function watchForDuels(
  config: Config,
  registry: Pick<Registry, 'taken'>,
  means: {
    /** What was applied last. */
    readonly desired: () => Desired | undefined;
    readonly tell: (event: DaemonEvent) => void;
    readonly nudge: () => void;
  },
): Probation {
  const names = namesHere();
  const serviceOf = (id: string) => means.desired()?.services.find((one) => one.id === id);
  return createProbation({
    subjectOf: (id) => {
      const [desired, service] = [means.desired(), serviceOf(id)];
      return desired === undefined || service === undefined ? undefined : ownSubject(service, desired, names);
    },
    onDuel: (id, duel) => {
      const [desired, service] = [means.desired(), serviceOf(id)];
      const supervisors =
        desired === undefined ? undefined : registry.taken(supervisorsInUse(config, desired), desired.instances);
      if (service === undefined || supervisors === undefined) return;
      const evidence = duel.evidence.map((finding) => finding.evidence);
      means.tell({ kind: 'duel', service: id, rounds: duel.rounds, evidence });
      try {
        recordDuel(config.stateDir, id, wantedNow(config, service, supervisors), duel);
      } catch (error) {
        const summary = `cannot keep that ${id} is to be left alone: ${why(error)}`;
        means.tell({ kind: 'trouble', problem: { code: 'duel-unwritable', summary } });
      }
      means.nudge();
    },
  });
}
