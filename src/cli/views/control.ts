import type { Json } from '../../canonical.ts';
import type { Plan } from '../../model.ts';
import type { Style } from '../style.ts';
import { planJson, planText } from './plan.ts';

/** What is frozen once that was asked for: what a person has done by it. */
export interface Frozen {
  readonly now: readonly {
    readonly name: string;
    readonly by: string;
    readonly why: string;
    readonly since: number;
    readonly until?: number;
  }[];
  /** The names that were frozen or are so no more, and which of the two. */
  readonly changed: { readonly kind: 'frozen' | 'unfrozen'; readonly names: readonly string[] };
  /** A daemon goes on by itself. */
  readonly daemon: boolean;
}

export function frozenText({ now, changed: { kind, names }, daemon }: Frozen): string {
  const what = namesText(names);
  const left = now.length === 0 ? '' : `Still frozen: ${now.map(({ name }) => namesText([name])).join(', ')}.\n`;
  if (kind === 'unfrozen')
    return names.length === 0
      ? 'Nothing is frozen.\n'
      : `No longer frozen: ${what}. What waited ${daemon ? 'is done now' : 'is done by `reconcile`'}.\n${left}`;
  const until = now.find(({ name }) => names.includes(name))?.until;
  const end = until === undefined ? 'until `reconcile unfreeze`' : `until ${time(until)}, or \`reconcile unfreeze\``;
  return `Frozen ${end}: ${what}. Nothing is changed there; what runs is kept running.\n`;
}

export function frozenJson({ now }: Frozen): Json {
  return {
    frozen: now.map(({ name, by, why, since, until }) => ({
      ...{ name, by, why, since: time(since) },
      until: until === undefined ? null : time(until),
    })),
  };
}

/** What waits for an approval, as a plan of what would be done with it. */
export interface Waits {
  readonly plan: string;
  readonly services: readonly string[];
  readonly would: Plan;
}

export function waitsText(
  waits: Waits | undefined,
  options: { readonly style: Style; readonly width: number },
): string {
  if (waits === undefined) return 'Nothing waits for an approval.\n';
  const { plan, services, would } = waits;
  const all = services.join(', ');
  return `${planText(would, options)}\nThis waits for an approval, of ${all}. To have it done: reconcile approve ${plan}\n`;
}

export function waitsJson(waits: Waits | undefined): Json {
  if (waits === undefined) return { plan: null, services: [] };
  return { plan: waits.plan, services: [...waits.services], would: planJson(waits.would) };
}

function namesText(names: readonly string[]): string {
  return names.map((name) => (name === '*' ? 'everything' : name)).join(', ');
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
