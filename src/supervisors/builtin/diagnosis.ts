import type { ServiceId } from '../../model.ts';
import { type HopelessMeans, MENDED, whyHopeless } from '../shared/hopeless.ts';
import { localPorts } from '../shared/local-ports.ts';
import type { Settings } from '../shared/settings.ts';
import { type Input, isPermanent, type State } from './machine.ts';
import type { Surroundings } from './surroundings.ts';

export interface Patient {
  readonly id: ServiceId;
  readonly settings: Settings;
  readonly state: State;
}

type Means = HopelessMeans & Pick<Surroundings, 'restarts'>;

/**
 * Looks into why a service does not start, or not for long: where something is missing, or somebody else has its port, no
 * further try can go well until that is mended. Looks while it waits, so that no start is later for it.
 */
export class Diagnosis {
  readonly #means: Means;
  readonly #patient: Patient;
  readonly #tell: (input: Extract<Input, { kind: 'hopeless' | 'mended' }>) => void;
  #busy = false;
  #closed = false;
  #again: NodeJS.Timeout | undefined;

  constructor(means: Means, patient: Patient, tell: (input: Extract<Input, { kind: 'hopeless' | 'mended' }>) => void) {
    this.#means = means;
    this.#patient = patient;
    this.#tell = tell;
  }

  /** It has ended, and its machine has made of that what it did. */
  ended({ exit, why }: Extract<Input, { kind: 'ended' }>): void {
    const { settings, state } = this.#patient;
    const down = state.name === 'BACKOFF' || state.name === 'HELD' || state.name === 'FATAL';
    if (!down || isPermanent(exit, settings.rules)) return;
    const notRun = why !== undefined || (exit.kind === 'code' && (exit.code === 126 || exit.code === 127));
    if (notRun || localPorts(settings.probes).length > 0) void this.#look();
  }

  /** Whatever it was down for may be mended: looked at now and then while it is down for that. */
  follow(): void {
    clearTimeout(this.#again);
    const { state } = this.#patient;
    if (state.name === 'FATAL' && state.missing) this.#again = setTimeout(() => void this.#look(), MENDED);
  }

  close(): void {
    clearTimeout(this.#again);
    this.#closed = true;
  }

  async #look(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const { id, settings } = this.#patient;
    const reason = await whyHopeless(this.#means, id, settings).catch(() => undefined);
    this.#busy = false;
    if (this.#closed) return;
    const { state } = this.#patient;
    const known = state.name === 'FATAL' && state.missing ? state.reason : undefined;
    if (reason !== undefined && reason !== known) {
      this.#means.restarts.take(id, { kind: 'hopeless', reason, missing: true });
      this.#tell({ kind: 'hopeless', reason });
    } else if (reason === undefined && known !== undefined) this.#tell({ kind: 'mended' });
    else this.follow();
  }
}
