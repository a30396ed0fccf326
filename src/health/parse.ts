import type { Json } from '../canonical.ts';
import type { ExecTarget, FileTarget, HttpTarget, Probe, Target } from './health.ts';

/** A target as the schema has it and the loader checked it, with durations as milliseconds: exactly one of these. */
export interface WrittenTarget {
  readonly http?: Omit<HttpTarget, 'kind'>;
  readonly tcp?: { readonly address: string };
  readonly exec?: Omit<ExecTarget, 'kind'>;
  readonly file?: Omit<FileTarget, 'kind'>;
}

/** A probe, likewise; with sizes as bytes. */
interface WrittenProbe extends WrittenTarget {
  readonly name: string;
  readonly progress?: Omit<WrittenTarget, 'tcp'> & {
    readonly json?: string;
    readonly regex?: string;
    readonly within: number;
  };
  readonly process?: { readonly memory?: number; readonly openFiles?: number };
  readonly every?: number;
  readonly timeout?: number;
  readonly failures?: number | Probe['failures'];
  readonly successes?: number;
  readonly startup?: boolean;
  readonly kind?: Probe['kind'];
  readonly about?: Probe['about'];
  readonly level?: Probe['level'];
  readonly onFailure?: Probe['onFailure'];
}

/** More than a timer can wait it would take for nothing, and with less than this it would be a busy loop. */
const LONGEST = 2 ** 31 - 1;
const SHORTEST = 100;

/** The probes of a definition's `health` field, with every default filled; times are between 100 ms and 24 days. */
export function probesOf(health: Json | undefined): Probe[] {
  return ((health ?? []) as unknown as readonly WrittenProbe[]).map((written) => {
    const { failures = 3, about = 'self' } = written;
    return {
      name: written.name,
      target: probeTargetOf(written),
      every: clamp(written.every ?? 10_000),
      timeout: clamp(written.timeout ?? 3000),
      failures: typeof failures === 'number' ? { count: failures, of: failures } : failures,
      successes: written.successes ?? 1,
      startup: written.startup ?? false,
      kind: written.kind ?? 'both',
      about,
      level: written.level ?? (about === 'self' ? 'critical' : 'degraded'),
      onFailure: written.onFailure ?? 'none',
    };
  });
}

function clamp(ms: number): number {
  return Math.min(LONGEST, Math.max(SHORTEST, ms));
}

function probeTargetOf(written: WrittenProbe): Probe['target'] {
  const { progress, process } = written;
  if (process) return { kind: 'process', ...process };
  if (progress === undefined) return targetOf(written);
  const { json, regex, within, ...from } = progress;
  return {
    kind: 'progress',
    from: targetOf(from) as HttpTarget | ExecTarget | FileTarget,
    ...(json === undefined ? {} : { json }),
    ...(regex === undefined ? {} : { regex }),
    within,
  };
}

/** What is to be looked at, from the schema's words for it. */
export function targetOf({ http, tcp, exec, file }: WrittenTarget): Target {
  if (http) return { kind: 'http', ...http };
  if (exec) return { kind: 'exec', ...exec };
  if (file) return { kind: 'file', ...file };
  const address = tcp?.address ?? '';
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { kind: 'tcp', host, port: Number(address.slice(colon + 1)) };
}
