import type { Finding } from './finding.ts';
import type { ServiceFile } from './generated/service.ts';
import type { Path } from './layer.ts';

/** A service as far as it is well: keys with findings are left out. */
export interface Draft {
  readonly name: string;
  readonly written: Partial<ServiceFile>;
}

/** A finding about a service, and where there is one, the other place that it disagrees with. */
export interface Named {
  readonly name: string;
  readonly finding: Finding;
  readonly other?: { readonly name: string; readonly path: Path };
}

export function named(name: string, path: Path, code: string, summary: string, hint: string): Named {
  return { name, finding: { code, path, part: 'value', summary, hint } };
}
