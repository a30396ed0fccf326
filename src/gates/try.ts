import { tryTarget } from '../health/probes.ts';
import type { Definition, Service, ServiceId } from '../model.ts';
import { why } from '../problem.ts';
import { writtenFields } from '../supervisors/fields.ts';
import { runAs } from '../supervisors/shared/run-as.ts';
import { settingsOf } from '../supervisors/shared/settings.ts';
import type { Gate } from './gate.ts';

/** Why a gate does not pass; undefined where it does. Reads only, as its service's user. Never rejects. */
export async function tryGate(
  { target, tryFor }: Gate,
  id: ServiceId,
  service: Service,
  definition: Definition | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    // What is to be absent has no definition, and says all the same who it is.
    const as = await runAs(id, settingsOf(id, definition?.fields ?? writtenFields(service), '/'));
    return await tryTarget(target, as, { timeout: tryFor }, signal);
  } catch (error) {
    return `it can't be tried: ${why(error)}`;
  }
}
