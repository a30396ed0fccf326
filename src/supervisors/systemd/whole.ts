import type { Definition, Service } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { blockOf } from './block.ts';
import { define, type UnitOptions } from './define.ts';
import { unitOfId } from './names.ts';
import { bootLink } from './prepare.ts';

/** The definition with what its desired state makes of the start at boot. */
export function defineWhole(service: Service, options: UnitOptions): Definition | Problem[] {
  const definition = define(service, options);
  if (Array.isArray(definition)) return definition;
  const { state, autostart, written } = service;
  const whole = definition as Definition;
  if (state === 'disabled') {
    const block = written.unit === undefined ? [blockOf(service, options)] : [];
    return { ...whole, files: [...(whole.files ?? []), ...block], boot: 'blocked' };
  }
  // Left as found, unless somebody said what is wanted.
  if (state === 'manual' && written.autostart === undefined) return whole;
  const link = written.unit === undefined ? { link: bootLink(options, unitOfId(service.id)) } : {};
  return { ...whole, boot: autostart ? 'enabled' : 'disabled', ...link };
}
