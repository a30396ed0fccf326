import type { ServiceId } from '../../model.ts';

/** The slice of all scopes of ours. */
export const SLICE = 'reconciled.slice';

/**
 * The scope of a service: `reconciled-web.scope`, `reconciled-api:2.scope` of an instance (a scope can have no `@`). While
 * what an earlier start has left is still in there, the name has the pid of the new start too. No service has `:` in it.
 */
export function scopeName(id: ServiceId, pid?: number): string {
  return `reconciled-${escapeName(id.replace('@', ':'))}${pid === undefined ? '' : `:pid${pid}`}.scope`;
}

/** As systemd-escape(1) does, but for what means nothing in the name of a scope. */
function escapeName(text: string): string {
  let name = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    name += /[A-Za-z0-9_.:-]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return name;
}
