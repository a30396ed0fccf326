import type { Json } from '../canonical.ts';
import type { Probe } from './health.ts';

/** A probe as the schema has it and the loader checked it, with durations as milliseconds. */
interface WrittenProbe {
  readonly name: string;
  readonly http?: { readonly url: string; readonly status?: number };
  readonly tcp?: { readonly address: string };
  readonly exec?: { readonly command: readonly string[] };
  readonly every?: number;
  readonly timeout?: number;
  readonly failures?: number;
  readonly about?: 'self' | 'dependency';
}

/** More than a timer can wait it would take for nothing, and with less than this it would be a busy loop. */
const LONGEST = 2 ** 31 - 1;
const SHORTEST = 100;

/** The probes of a definition's `health` field, with every default filled; times are between 100 ms and 24 days. */
export function probesOf(health: Json | undefined): Probe[] {
  return ((health ?? []) as unknown as readonly WrittenProbe[]).map((written) => ({
    name: written.name,
    target: targetOf(written),
    every: clamp(written.every ?? 10_000),
    timeout: clamp(written.timeout ?? 3000),
    failures: written.failures ?? 3,
    about: written.about ?? 'self',
  }));
}

function clamp(ms: number): number {
  return Math.min(LONGEST, Math.max(SHORTEST, ms));
}

function targetOf({ http, tcp, exec }: WrittenProbe): Probe['target'] {
  if (http) return { kind: 'http', ...http };
  if (exec) return { kind: 'exec', command: exec.command };
  const address = tcp?.address ?? '';
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { kind: 'tcp', host, port: Number(address.slice(colon + 1)) };
}
