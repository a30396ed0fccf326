import { digest, type Json } from '../../canonical.ts';
import { ruleOf } from '../../fields.ts';
import type { Fields } from '../../model.ts';
import { SUPERVISORD_FIELDS } from './fields.ts';

/**
 * What RECONCILED_SETTINGS of a running process holds: which settings supervisord had loaded when it started it. Of the
 * fields that are staged; that of `autostart` is what comes of it and of the state.
 */
export function settingsDigest(fields: Fields, autostart: boolean): string {
  const staged: Record<string, Json> = { autostart };
  for (const [field, value] of Object.entries(fields)) {
    if (field !== 'autostart' && ruleOf(SUPERVISORD_FIELDS, field)?.effect === 'staged') staged[field] = value;
  }
  return digest(staged, 12);
}
