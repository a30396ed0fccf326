/** What a unit's name says; `instance` is undefined where it is none, and '' of a template. */
export interface UnitName {
  readonly unit: string;
  readonly prefix: string;
  readonly instance: string | undefined;
}

export function nameOf(unit: string): UnitName {
  const [, prefix = unit, instance] = /^([^@]*)(?:@(.*))?\.[a-z]+$/s.exec(unit) ?? [];
  return { unit, prefix, instance };
}

/** `x@.service` of `x@1.service`. */
export function templateOf(unit: string): string | undefined {
  const { prefix, instance } = nameOf(unit);
  return instance === undefined || instance === '' ? undefined : `${prefix}@.service`;
}
