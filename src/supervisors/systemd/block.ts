import type { HostFile, Service } from '../../model.ts';
import type { UnitOptions } from './define.ts';
import { BLOCK, definedBy, dropInPath, templateId } from './names.ts';
import { type Line, madeBy, unitText } from './unit-text.ts';

/**
 * A condition that is never met, whatever is on the host: `/` is always there. `mask` fails on units whose file is in
 * the same folder. As a condition, and no assertion, it fails nothing that wants the unit.
 */
export const BLOCKED: readonly Line[] = [['Unit', 'ConditionPathExists', '!/']];

const WORDS = 'It is disabled: while this file is here nobody can start it. Change the desired state instead.';

/** The drop-in that keeps a unit from being started, by hand or at boot, while its service is disabled. */
export function blockOf(service: Service, { owner, unitDir }: Pick<UnitOptions, 'owner' | 'unitDir'>): HostFile {
  const text = unitText({ owner, id: templateId(service), hash: 'blocked' }, {}, madeBy(0, []), BLOCKED, WORDS);
  return { path: dropInPath(unitDir, definedBy(service), BLOCK), text };
}
