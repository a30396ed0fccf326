import type { Handover, Predecessor, Reason, Run, Service, ServiceId, SupervisorName } from '../model.ts';
import { nameOfThing } from '../thing.ts';
import { alive, type Draft, remove, step } from './draft.ts';
import { own } from './handover.ts';
import type { Given } from './leftovers.ts';
import type { Owned } from './world.ts';

/** As much of a service as is known of one that Git has no more. */
function undeclared(id: ServiceId, { supervisor, actual }: Owned): Service {
  const command = actual.definition.fields?.command as string[] | undefined;
  return {
    id,
    name: id,
    supervisor,
    state: 'running',
    autostart: false,
    after: [],
    formerly: [],
    changes: 'now',
    inputs: {},
    file: '',
    written: { supervisor, ...(command === undefined ? {} : { command }) },
  };
}

/** Somebody has stopped it, by hand or by Git: then the old one is not for us to start. */
function wasStopped(run: Run | undefined): boolean {
  return run !== undefined && (run.kind === 'stopping' || (run.kind === 'stopped' && run.started));
}

/** What a service that Git has no more had superseded: the way back, whatever `prune` says, since it goes on running. */
export function giveBack(id: ServiceId, owned: Owned | undefined, { things, patience, begun }: Given): Draft {
  const supervisor: SupervisorName = owned?.supervisor ?? 'systemd';
  const from = things.flatMap(({ thing, state }): Predecessor[] =>
    state.kind === 'there' ? [{ kind: 'thing', thing, state, copy: true }] : [],
  );
  const ran = owned !== undefined && alive(owned.actual.run);
  const handover: Handover = {
    from,
    ...(owned === undefined ? {} : { ours: own(undeclared(id, owned), owned) }),
    starts: ran || begun?.ran === true || (things.some(({ taken }) => taken.ran) && !wasStopped(owned?.actual.run)),
    ...(begun === undefined ? {} : { begun }),
    order: 'stop-first',
    soak: 0,
    patience,
    runs: ran,
    marks: things.map(({ taken }) => taken),
  };
  const reason: Reason = { kind: 'given-back', things: things.map(({ thing }) => nameOfThing(thing)) };
  const files = owned === undefined ? undefined : remove(owned.actual, supervisor, reason).files;
  const over = step('give-back', { id, supervisor }, reason, ran ? 'restart' : 'start', owned?.actual);
  return {
    service: id,
    supervisor,
    steps: [{ ...over, ...(files === undefined ? {} : { files }), handover }],
    notices: [],
  };
}
