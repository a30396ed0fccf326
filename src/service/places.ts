import { join } from 'node:path';
import type { Problem } from '../problem.ts';

export const UNIT = 'reconciled.service';

/** Where what `reconcile install` writes is. */
export interface Places {
  /** Holds `releases/NAME/` for each release, and `current`, a link to the one in use. */
  readonly prefix: string;
  readonly releases: string;
  readonly current: string;
  readonly unit: string;
  /** A link to the command line of the release in use. */
  readonly command: string;
  /** A folder of links to its man pages. */
  readonly man: string;
  /** Links to what makes shells complete, by the name of their file in the release. */
  readonly completions: Readonly<Record<string, string>>;
}

export const PREFIX = '/opt/reconciled';

export function placesOf(prefix: string = PREFIX): Places {
  return {
    prefix,
    releases: join(prefix, 'releases'),
    current: join(prefix, 'current'),
    unit: `/etc/systemd/system/${UNIT}`,
    command: '/usr/local/bin/reconcile',
    man: '/usr/local/share/man/man1',
    completions: {
      reconcile: '/usr/local/share/bash-completion/completions/reconcile',
      _reconcile: '/usr/local/share/zsh/site-functions/_reconcile',
      'reconcile.fish': '/usr/local/share/fish/vendor_completions.d/reconcile.fish',
    },
  };
}

/** systemd takes no quotes and no variables in the path of a program. */
export function whyNotPrefix(prefix: string): Problem | undefined {
  if (/^(\/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+$/.test(prefix)) return undefined;
  return {
    code: 'bad-prefix',
    summary: `cannot install to ${prefix}: its path must be absolute, of letters, digits, '.', '_', '+' and '-' alone`,
    hint: `leave --prefix out (${PREFIX}), or give another`,
  };
}
