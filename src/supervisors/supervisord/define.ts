import { digest } from '../../canonical.ts';
import { self } from '../../host/users.ts';
import type { Instance } from '../../instance.ts';
import type { Definition, HostFile, Service } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { formatStamp, SETTINGS, STAMP, SUPERVISOR } from '../../stamp.ts';
import { defineBy } from '../fields.ts';
import { settingsOf } from '../shared/settings.ts';
import { oneLine } from '../shared/texts.ts';
import { accountOf } from './account.ts';
import { SUPERVISORD_FIELDS } from './fields.ts';
import { programLines } from './lines.ts';
import { idOfAny, numbered, poolOf, poolSize, withPoolSize } from './pool.ts';
import { programText, RENDERING, sectionDigest } from './program-text.ts';
import { partPath } from './programs-file.ts';
import { checkRaw, rawLines, sectionKind } from './raw.ts';
import { checkWritten, isRoot, type Refuse } from './refusals.ts';
import { settingsDigest } from './settings-digest.ts';

export interface ProgramOptions {
  readonly instance: Instance;
  readonly owner: string;
  /** Where services log that name no file. */
  readonly logDir: string;
}

/** The definition of a service without its file: its fields, and with whom it can only be changed together. */
export function definitionOf(service: Service): Definition | Problem[] {
  const defined = defineBy(SUPERVISORD_FIELDS, 'supervisord', withPoolSize(service));
  if (Array.isArray(defined)) return defined;
  const definition = defined as Definition;
  const pool = poolOf(service.id, definition.fields);
  return pool === undefined ? definition : { ...definition, pool };
}

/**
 * The definition of a service as a program of a supervisord, or every written field that it can't make true. It has one
 * file with one section, and none where a service that is to be absent has no command any more.
 */
export function define(service: Service, options: ProgramOptions): Definition | Problem[] {
  const defined = definitionOf(service);
  const problems: Problem[] = Array.isArray(defined) ? [...defined] : [];
  const refuse: Refuse = (field, summary, hint) => {
    problems.push({ code: 'not-supported', summary: `${field}: ${summary}`, file: service.file, field, hint });
  };
  checkWritten(service, options.instance, refuse);
  checkRaw(service, refuse);
  if (problems.length > 0 || Array.isArray(defined)) return problems;
  const definition = defined as Definition;
  if (service.written.command === undefined) return { ...definition, files: [] };
  const file = fileOf(service, definition, options);
  const digest = definition.pool === undefined ? {} : { poolDigest: sectionDigest(file.text) };
  return { ...definition, ...digest, files: [file] };
}

function fileOf(service: Service, definition: Definition, options: ProgramOptions): HostFile {
  const { hash, fields, pool } = definition;
  const { owner, instance, logDir } = options;
  const { id, state } = service;
  const autostart = service.autostart && (state === 'running' || state === 'manual');
  const runsAs = instance.owned?.user;
  const privileged = process.getuid?.() === 0 && (runsAs === undefined || isRoot(runsAs));
  const user = service.written.user?.split(':')[0];
  const [asked, runner] = [user, runsAs?.split(':')[0]].map((name) =>
    name === undefined ? undefined : accountOf(name),
  );
  const account = asked ?? runner ?? self();
  const known = user === undefined ? undefined : asked !== undefined;
  const { uid, gid, name, home, shell } = account;
  const others = [
    instance.name,
    instance.owned !== undefined,
    logDir,
    privileged,
    known ?? null,
    uid,
    gid,
    name,
    home,
    shell,
  ];
  const made = `${RENDERING} ${autostart ? 'autostart' : '-'} ${digest(others, 8)}`;
  // A thousand texts take a while, and are seldom wanted: where nothing has changed nobody reads them.
  let text: string | undefined;
  const size = poolSize(service);
  const render = (): string => {
    // Of one section for all instances, what differs is their number.
    const any = size === undefined ? undefined : idOfAny(id, JSON.stringify(service.written), logDir, instance.name);
    const own = any?.id ?? id;
    const settings = settingsOf(own, fields, logDir);
    const staged = settingsDigest(fields, autostart);
    const marks = {
      ...(service.instance === undefined ? {} : { RECONCILED_INSTANCE: any?.mark ?? String(service.instance) }),
      [STAMP]: formatStamp(owner, own, hash),
      [SUPERVISOR]: instance.supervisor,
      [SETTINGS]: staged,
    };
    const lines = programLines(settings, {
      fields,
      account,
      known,
      privileged,
      marks,
      autostart,
      raw: rawLines(service),
      owned: instance.owned !== undefined,
      name: `${instance.name}.${own}`,
      logDir,
    });
    const trailer = {
      fields,
      made,
      autostart,
      startsecs: settings.rules.ready,
      settings: staged,
      stderrLog: settingsOf(id, fields, logDir).logs.stderr,
    };
    const about = oneLine(String(fields.description ?? ''));
    const section = `${sectionKind(service.written)}:${pool ?? id}`;
    const all = any === undefined || size === undefined ? lines : numbered(id, size, any.mark, lines);
    return programText({ owner, id, hash }, about, section, all, trailer);
  };
  return {
    path: partPath(instance, owner, id),
    made,
    get text() {
      text ??= render();
      return text;
    },
  };
}
