import type { Config } from '../config.ts';
import type { Desired, Touched } from '../model.ts';
import { type Operated, operate, type TouchEvent } from '../operate/operate.ts';
import { saidText } from '../secrets.ts';
import type { Supervisors } from '../supervisors/index.ts';
import type { DaemonEvent } from './event.ts';
import { flat } from './held-words.ts';
import { refuseOther } from './invalid.ts';
import type { Loop } from './loop.ts';
import type { Probation } from './probation.ts';
import type { TouchAsked } from './wire.ts';

interface Hand {
  readonly config: Config;
  /** What was in force when the daemon began, and what is now. */
  readonly first: Desired;
  readonly force: { readonly last: Desired | undefined };
  readonly inUse: { take(desired: Desired): Promise<Supervisors> };
  readonly duels: Pick<Probation, 'around'>;
  readonly loop: Pick<Loop, 'run'>;
  readonly tell: (event: DaemonEvent) => void;
  readonly signal: AbortSignal;
}

/** Does to processes what somebody asks for, when it is its turn, and tells whose word it was. */
export async function touchNow(
  { config, first, force, inUse, duels, loop, tell, signal }: Hand,
  asked: TouchAsked,
  emit: (event: TouchEvent) => void,
): Promise<Operated> {
  refuseOther(config, asked);
  const by = saidText(asked.by ?? '') || 'somebody';
  return loop.run(async () => {
    const desired = force.last ?? first;
    const supervisors = await inUse.take(desired);
    const told = (event: TouchEvent) => {
      emit(event);
      if (event.kind === 'touched') tell(eventOf(event.touched, by));
    };
    // What ends by it is started again by its supervisor: that is nobody's answer to us.
    return duels.around(
      () => operate(desired, asked, { supervisors, emit: told, signal }),
      ({ touched }) =>
        touched.flatMap(({ service: id, ended }) => (ended ? [{ id, wanted: 'running', cause: 'git' }] : [])),
    );
  });
}

export function eventOf({ supervisor: _, ...touched }: Touched, by: string): DaemonEvent {
  return { kind: 'touched', by, ...touched };
}

export function touchedText(event: Extract<DaemonEvent, { kind: 'touched' }>): string {
  const { service, touch, outcome, ended, by } = event;
  if (outcome.kind !== 'done') return `${flat(outcome.problem)} (asked for by ${by})`;
  if (touch.kind === 'reload') return `${service}: has read its settings anew, asked for by ${by}`;
  const whom = touch.tree ? 'all of its processes' : 'its process';
  return `${service}: ${touch.signal} sent to ${whom} by ${by}${ended ? '; it ends by that' : ''}`;
}
