import type { AlertKind } from '../alerts/alert.ts';
import { type AlerterMeans, createAlerter } from '../alerts/alerter.ts';
import type { Doubt } from '../alerts/book.ts';
import { placeOf } from '../alerts/targets.ts';
import type { Config } from '../config.ts';
import type { Level, Plan, ServiceId, StatusNote } from '../model.ts';
import { type Meaning, meaningsOf } from './conditions.ts';
import type { DaemonEvent } from './event.ts';
import { conditionsIn } from './plan-conditions.ts';

export interface AlertingMeans extends Pick<AlerterMeans, 'desired' | 'tell'> {
  readonly levelOf: (id: ServiceId) => Level | undefined;
  /** So many restarts were made that this host is only observed. */
  readonly isBroken: () => boolean;
  /** Aborted when the daemon ends. */
  readonly signal: AbortSignal;
}

/** Turns what the daemon tells into what people are told, as `alerts` in policy.yaml says. Nothing waits for it. */
export interface Alerting extends AsyncDisposable {
  hear(event: DaemonEvent): void;
  /** What a run found. `whole`: it is about all services; else it says nothing of others. */
  see(plan: Plan, whole: boolean): void;
  /** The targets that can't be reached. */
  notes(): readonly StatusNote[];
}

/** Of these a plan tells that they are over, by holding them no more. */
const PLANNED: ReadonlySet<AlertKind> = new Set(['down', 'duel', 'drift', 'held', 'approval', 'observed', 'apply']);
/** ms. By then all that is so still has been told anew since the daemon began; a repository takes its time to be found gone. */
const GRACE = 30_000;
const SOURCE = 300_000;

export function startAlerting({ stateDir, host }: Config, means: AlertingMeans): Alerting {
  const { desired, levelOf, isBroken, signal } = means;
  const alerter = createAlerter({ ...means, stateDir, host });
  const begun = performance.now();
  let timer: NodeJS.Timeout | undefined;
  /** Held by what did not stay well, as the last plan says. */
  let quarantined: ReadonlySet<string> = new Set();

  const take = (meaning: Meaning) => {
    switch (meaning.kind) {
      case 'on':
        return alerter.on(meaning.condition);
      case 'off':
        return alerter.off(meaning.key);
      case 'well':
        for (const { key, kind, service } of alerter.current())
          if (kind === 'acted' && service === meaning.service) alerter.off(key);
        return undefined;
      case 'waits':
        return alerter.waits(meaning.service, meaning.on, meaning.why);
      case 'waits-no-more':
        return alerter.waitsNoMore(meaning.service);
    }
  };

  /** What was told before the daemon began, and may have ended while it did not run. */
  const confirm = () => {
    const age = performance.now() - begun;
    const left = alerter.doubtful().filter((doubt) => {
      if (!isOver(doubt, age)) return true;
      alerter.off(doubt.condition.key, 'seen when the daemon began anew');
      return false;
    });
    clearTimeout(timer);
    timer = left.length === 0 ? undefined : setTimeout(confirm, GRACE).unref();
  };
  const isOver = ({ condition: { kind, service, lasts }, about }: Doubt, age: number): boolean => {
    switch (kind) {
      case 'health':
      case 'dependency':
        return about.every((id) => levelOf(id) === 'HEALTHY' || !isDeclared(id));
      case 'breaker':
        return !isBroken();
      case 'verify':
        return age > GRACE && (service === undefined || !quarantined.has(service));
      case 'source':
        return age > SOURCE;
      default:
        // It ends by itself, or the plan tells.
        return age > GRACE && lasts === undefined && kind !== 'gate' && !PLANNED.has(kind);
    }
  };
  const isDeclared = (id: ServiceId) => desired()?.services.some((service) => service.id === id) === true;

  const see = ({ steps, held, ...plan }: Plan, whole: boolean) => {
    const said = conditionsIn({ held, ...plan });
    const known = new Set(alerter.current().map(({ key }) => key));
    for (const condition of said) {
      // Who saw it fail has told more of it.
      if (condition.kind !== 'verify' || !known.has(condition.key)) alerter.on(condition);
    }
    if (whole) {
      const here = new Set(said.map(({ key }) => key));
      const open = new Set(steps.map(({ service }) => service));
      const declared = new Set([
        ...(desired()?.services ?? []).map(({ id }) => id),
        ...held.map(({ service }) => service),
        ...open,
      ]);
      quarantined = new Set(held.flatMap(({ service, reason }) => (reason.kind === 'quarantined' ? [service] : [])));
      const gated = new Set(
        held.flatMap(({ service, reason }) => (reason.kind === 'gate' || reason.kind === 'approval' ? [service] : [])),
      );
      for (const { key, kind, service } of alerter.current()) {
        if (here.has(key) || service === undefined || open.has(service)) continue;
        if (!declared.has(service) && kind !== 'hold') alerter.off(key, 'it is no longer declared');
        else if (PLANNED.has(kind) || (kind === 'gate' && !gated.has(service))) alerter.off(key);
      }
      confirm();
    }
    alerter.look();
  };

  return {
    hear: (event) => {
      // What was interrupted has not failed.
      if (event.kind === 'step-ended' && signal.aborted) return;
      for (const meaning of meaningsOf(event, Date.now())) take(meaning);
    },
    see,
    notes: () =>
      alerter.failing().map(({ target, since, why }) => ({
        kind: 'alert',
        ok: false,
        text: `alerts can't be told to '${target.name}' (${placeOf(target)}) since ${time(since)}: ${why}`,
      })),
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await alerter.close();
    },
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
