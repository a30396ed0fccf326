import type { Json } from '../../canonical.ts';

/** What is left alone once that was asked for. */
export interface Holds {
  readonly now: readonly {
    readonly name: string;
    readonly by: string;
    readonly why: string;
    readonly since: number;
    readonly until: number;
  }[];
  /** Those that it was asked for. */
  readonly names: readonly string[];
  /** By whom those are kept running. */
  readonly supervisors: readonly string[];
  /** There is a daemon, and it knows. */
  readonly daemon: boolean;
}

export function holdsText({ now, names, supervisors, daemon }: Holds): string {
  const until = now.find(({ name }) => names.includes(name))?.until;
  const end = until === undefined ? '' : ` until ${time(until)}`;
  const others = [
    ...new Set(supervisors.filter((name) => name !== 'builtin').map((name) => name.split('/')[0])),
  ].sort();
  const lines = [
    `Left alone${end}, or \`reconcile release ${names.join(' ')}\`: ${names.join(', ')}. Nothing is done to ${names.length === 1 ? 'it' : 'them'}, whatever happens.`,
    ...(supervisors.includes('builtin')
      ? [daemon ? 'What ends meanwhile stays down until then.' : 'What ends meanwhile stays down: no daemon runs.']
      : []),
    ...(others.length > 0
      ? [
          `${others.join(' and ')} still ${others.length === 1 ? 'restarts' : 'restart'} by ${others.length === 1 ? 'itself' : 'themselves'} what ends.`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

export function holdsJson({ now }: Holds): Json {
  return {
    held: now.map(({ name, by, why, since, until }) => ({ name, by, why, since: time(since), until: time(until) })),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
