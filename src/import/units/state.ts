import { type Install, startsAsOurs } from './install.ts';

/** What a unit is doing on its host; `active` is undefined where nobody could be asked. */
export interface UnitState {
  readonly active: boolean | undefined;
  /** Units that start it, by links that somebody made. */
  readonly startedWith: readonly string[];
}

export const UNKNOWN_STATE: UnitState = { active: undefined, startedWith: [] };

export interface DesiredWords {
  readonly state: string;
  readonly autostart?: boolean;
  /** Why, where that needs saying. */
  readonly comment?: string;
}

/**
 * The desired state that changes nothing: what is said is so already, and what we have no word for, such as being started
 * by another unit, is left as it is found.
 */
export function desiredState(
  type: string,
  install: Install,
  { active, startedWith }: UnitState,
  manager: 'system' | 'user',
): DesiredWords {
  const manual = (comment: string) => ({ state: 'manual', comment });
  if (type === 'oneshot') return manual('A job that ends: whoever starts it now goes on doing so.');
  if (startedWith.length > 0) {
    if (!startedWith.some((unit) => startsAsOurs(unit, manager)))
      return manual(`Started by ${startedWith.join(', ')}, which stays so.`);
    return active === false ? manual('It is enabled, but does not run.') : { state: 'running' };
  }
  if (active === undefined) return manual('Whether it runs could not be asked: left as it is found.');
  if (!install.installable) return manual('It can not be enabled: others start it when they need it.');
  return active ? { state: 'running', autostart: false } : { state: 'stopped' };
}
