import type { HandOver } from '../apply.ts';
import type { Config } from '../config.ts';
import type { Event, HealthState, ServiceId } from '../model.ts';
import type { Prepared } from '../prepare.ts';
import { unreachable } from '../problem.ts';
import type { Supervisors } from '../supervisors/index.ts';
import { openBegun, openReversed } from './begun.ts';
import { handOver } from './execute.ts';
import { giveBack } from './give-back.ts';
import { wantedOf } from './look.ts';
import { createQueue, type Means } from './means.ts';
import { retire } from './retire.ts';
import { createWitness } from './witness.ts';

/** What takes the steps of one plan that go through several supervisors. */
export function createHandOver({
  config,
  prepared,
  supervisors,
  emit,
  health,
}: {
  readonly config: Config;
  readonly prepared: Prepared;
  readonly supervisors: Supervisors;
  readonly emit: (event: Event) => void;
  readonly health: (id: ServiceId) => HealthState;
}): HandOver {
  const { desired, definitions, takers } = prepared;
  const services = new Map(desired.services.map((service) => [service.id, service]));
  const wanted = (id: ServiceId) => {
    const service = services.get(id);
    return service === undefined ? '' : wantedOf(service, definitions.get(id));
  };
  const means: Means = {
    supervisors,
    health,
    taker: takers.of,
    begun: openBegun(config.runtimeDir),
    reversed: openReversed(config.stateDir),
    wanted,
    witness: createWitness(config, desired, wanted),
    tell: (service, stage, text) => emit({ kind: 'handover-stage', service, stage, text }),
    alone: createQueue(),
  };
  return async (step, signal) => {
    const { action, handover } = step;
    if (handover === undefined) throw new Error(`no handover in ${step.id}`);
    switch (action) {
      case 'handover':
        return handOver(means, step, handover, signal);
      case 'retire':
        return retire(means, step, handover);
      case 'give-back':
        return giveBack(means, step, handover);
      case 'create':
      case 'start':
      case 'stop':
      case 'restart':
      case 'replace':
      case 'update':
      case 'remove':
        throw new Error(`${step.id} is its supervisor's`);
      default:
        return unreachable(action);
    }
  };
}
