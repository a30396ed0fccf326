import type { PolicyFile } from '../desired/generated/policy.ts';
import { parseDuration } from '../units.ts';
import type { Filter } from './compose.ts';

type Written = NonNullable<PolicyFile['alerts']>[number];

/** One way of telling. Times are ms. */
export interface Target {
  readonly name: string;
  readonly filter: Filter;
  readonly timeout: number;
  readonly means:
    | {
        readonly kind: 'webhook';
        readonly url: { readonly kind: 'plain' | 'file'; readonly at: string };
        readonly format: 'json' | 'slack';
      }
    | { readonly kind: 'exec'; readonly command: readonly string[] }
    | { readonly kind: 'journal' };
}

const TIMEOUT = 10_000;

export function targetsOf({ alerts = [] }: Pick<PolicyFile, 'alerts'>): readonly Target[] {
  return alerts.map((written) => {
    const { name, least = 'warning', services, timeout } = written;
    return {
      name,
      filter: { least, ...(services === undefined ? {} : { services }) },
      timeout: parseDuration(timeout ?? '') ?? TIMEOUT,
      means: meansOf(written),
    };
  });
}

/** One of them is there: the schema has seen to that. */
function meansOf({ webhook, exec }: Written): Target['means'] {
  if (exec !== undefined) return { kind: 'exec', command: exec.command };
  if (webhook === undefined) return { kind: 'journal' };
  const { url, urlFile, format = 'json' } = webhook;
  const at = url === undefined ? { kind: 'file', at: urlFile ?? '' } : { kind: 'plain', at: url };
  return { kind: 'webhook', url: at as { kind: 'plain' | 'file'; at: string }, format };
}

/** Where it goes, as it may be shown. */
export function placeOf({ means }: Target): string {
  switch (means.kind) {
    case 'webhook':
      return means.url.kind === 'file' ? `webhook of ${means.url.at}` : `webhook ${new URL(means.url.at).host}`;
    case 'exec':
      return `exec ${means.command[0]}`;
    case 'journal':
      return 'journal';
  }
}
