import type { Waiting } from './model.ts';
import { maskField } from './secrets.ts';

/** What waits, for people: `its restart`. */
export function waitingText({ action, effect, things = [] }: Waiting): string {
  const what = things.map(shown).join(', ');
  if (what !== '' && action !== 'handover' && effect !== 'restart' && effect !== 'stop')
    return `its takeover of ${what}${effect === 'pid unchanged' ? ', with its process,' : ''}`;
  if (what !== '' && action === 'handover')
    return `its handover from ${what}${effect === 'restart' ? ', with a restart,' : ''}`;
  return `its ${NAMES[action] ?? (effect === 'none' || effect === 'pid unchanged' ? 'update' : effect)}`;
}

/** The name of a process is its command line. */
function shown(thing: string): string {
  return (maskField('command', thing.split(' ')) as readonly string[]).join(' ');
}

/** Of these the action says more than what it does to the process. */
const NAMES: Readonly<Partial<Record<Waiting['action'], string>>> = {
  create: 'creation',
  remove: 'removal',
  handover: 'handover',
  retire: 'handover',
  'give-back': 'removal',
};
