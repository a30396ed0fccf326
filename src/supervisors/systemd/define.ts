import { join } from 'node:path';
import type { Definition, HostFile, Service } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { formatStamp } from '../../stamp.ts';
import { defineBy } from '../fields.ts';
import { LONGEST_LINE } from './escape.ts';
import { SYSTEMD_FIELDS } from './fields.ts';
import { dropInLines, type Surroundings, unitLines } from './lines.ts';
import { definedBy, dropInPath, SETTINGS, templateId } from './names.ts';
import { checkRaw, rawLines, runsByRaw, withRawSplit } from './raw.ts';
import { checkWritten, type Refuse } from './refusals.ts';
import { fieldsText, madeBy, unitText } from './unit-text.ts';

export interface UnitOptions {
  readonly manager: 'system' | 'user';
  /** Where our units are: /etc/systemd/system, or systemd/user below a user's configuration. */
  readonly unitDir: string;
  readonly owner: string;
  /** Of systemd: 252 on Debian 12. */
  readonly version: number;
}

/**
 * The definition of a service under systemd, or every written field that it can't make true. It has one file, a unit or a
 * drop-in, and none where of a unit of others nothing but its state is asked. Instances share a template: their
 * definitions are the same.
 */
export function define(service: Service, options: UnitOptions): Definition | Problem[] {
  const defined = defineBy(SYSTEMD_FIELDS, 'systemd', withRawSplit(withoutWords(service)));
  const problems: Problem[] = Array.isArray(defined) ? [...defined] : [];
  const refuse: Refuse = (field, summary, hint) => {
    problems.push({ code: 'not-supported', summary: `${field}: ${summary}`, file: service.file, field, hint });
  };
  checkWritten(service, refuse);
  checkRaw(service, refuse);
  if (problems.length > 0 || Array.isArray(defined)) return problems;
  const definition = defined as Definition;
  // A character takes six bytes at most; nearly all are far from it.
  const most = 6 * JSON.stringify(definition.fields).length;
  if (most > LONGEST_LINE && Buffer.byteLength(fieldsText(definition.fields)) > LONGEST_LINE) {
    const summary = `the file of ${service.name} holds more than a unit file can: 1 MB`;
    return [{ code: 'not-supported', summary, file: service.file, hint: 'keep what is large in a file of its own' }];
  }
  return { ...definition, files: filesOf(service, definition, options) };
}

/** What a unit of others is, its package says. */
function withoutWords(service: Service): Service {
  if (service.written.unit === undefined) return service;
  const { description, ...written } = service.written;
  return { ...service, written };
}

function filesOf(service: Service, { hash, fields }: Definition, options: UnitOptions): readonly HostFile[] {
  const { owner, manager, unitDir, version } = options;
  const id = templateId(service);
  const around: Surroundings = {
    manager,
    version,
    template: service.instance !== undefined,
    stamp: formatStamp(owner, id, hash),
    after: service.afterIds ?? service.after,
  };
  const made = madeBy(version, around.after);
  // A thousand texts take a while, and are seldom wanted: where nothing has changed nobody reads them.
  const file = (path: string, lines: () => ReturnType<typeof unitLines>): readonly HostFile[] => {
    let text: string | undefined;
    return [
      {
        path,
        made,
        get text() {
          text ??= unitText({ owner, id, hash }, fields, made, [...lines(), ...rawLines(service)]);
          return text;
        },
      },
    ];
  };
  const unit = definedBy(service);
  if (service.written.unit === undefined) {
    // One that is to be absent may have no command any more.
    const runs = fields.command !== undefined || runsByRaw(service);
    return !runs ? [] : file(join(unitDir, unit), () => unitLines(service.name, fields, around));
  }
  const asked = Object.keys(fields).some((field) => field !== 'unit');
  return asked ? file(dropInPath(unitDir, unit, SETTINGS), () => dropInLines(fields, around)) : [];
}
