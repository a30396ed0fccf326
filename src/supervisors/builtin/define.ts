import type { Definition, Service } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { defineBy } from '../fields.ts';
import { BUILTIN_FIELDS } from './fields.ts';

/** The definition of a service under the embedded supervisor, or every written field that it can't make true. */
export function define(service: Service): Definition | Problem[] {
  const definition = defineBy(BUILTIN_FIELDS, 'builtin', service);
  const problems = Array.isArray(definition) ? [...definition] : [];
  const refuse = (field: string, summary: string, hint: string) =>
    problems.push({ code: 'not-supported', summary: `${field}: ${summary}`, file: service.file, field, hint });
  const { drift } = service.written;
  if (drift === 'hold' || drift === 'report') {
    refuse('drift', `'${drift}' is not supported yet by supervisor builtin`, 'leave it out, or write `heal`');
  }
  return problems.length > 0 ? problems : definition;
}
