import type { Actual, Definition, Service, Step } from '../model.ts';
import { alive, type Draft, step, waits } from './draft.ts';

/** A service that a person asks to stop, or to restart, as it is there. */
interface Asked {
  readonly service: Service;
  readonly actual: Actual | undefined;
  readonly definition: Definition | undefined;
}

/** Its stop, and nothing else: what it is defined by, and whatever else is to be done to it, waits as long as it is held. */
export function stopOnly({ service, actual, definition }: Asked): Draft {
  const draft = { service: service.id, supervisor: service.supervisor, notices: [] };
  const { run } = actual ?? {};
  const isThere = run !== undefined && (alive(run) || waits(run) || (run.kind === 'stopped' && run.left !== undefined));
  if (actual === undefined || definition === undefined || !isThere) return { ...draft, steps: [] };
  return { ...draft, steps: [asked('stop', { service, definition }, actual)] };
}

/** What it needs, and a restart where that has none. What does not run is started, as by any `start`. */
export function withRestart(draft: Draft, { service, actual, definition }: Asked): Draft {
  if (actual === undefined || definition === undefined || !alive(actual.run)) return draft;
  if (draft.steps.some(({ effect }) => effect !== 'pid unchanged' && effect !== 'none')) return draft;
  const before = draft.steps.at(-1);
  const restart = asked('restart', { service, definition }, actual);
  const seen = before === undefined ? restart.seen : { ...restart.seen, hash: definition.hash };
  const last = { ...restart, seen, after: before === undefined ? [] : [before.id] } as Step;
  return { ...draft, steps: [...draft.steps, last] };
}

function asked(
  action: 'stop' | 'restart',
  target: { readonly service: Service; readonly definition: Definition },
  actual: Actual,
): Step {
  return step(action, target.service, { kind: 'asked' }, action, actual, target);
}
