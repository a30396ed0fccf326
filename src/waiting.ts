import type { Waiting } from './model.ts';

/** What waits, for people: `its restart`. */
export function waitingText({ action, effect }: Waiting): string {
  return `its ${NAMES[action] ?? (effect === 'none' || effect === 'pid unchanged' ? 'update' : effect)}`;
}

/** Of these the action says more than what it does to the process. */
const NAMES: Readonly<Partial<Record<Waiting['action'], string>>> = {
  create: 'creation',
  remove: 'removal',
  handover: 'handover',
  retire: 'handover',
  'give-back': 'removal',
};
