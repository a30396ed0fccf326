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
import { programText, RENDERING } from './program-text.ts';
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

/**
 * The definition of a service as a program of a supervisord, or every written field that it can't make true. It has one
 * file with one section, and none where a service that is to be absent has no command any more.
 */
export function define(service: Service, options: ProgramOptions): Definition | Problem[] {
  const defined = defineBy(SUPERVISORD_FIELDS, 'supervisord', service);
  const problems: Problem[] = Array.isArray(defined) ? [...defined] : [];
  const refuse: Refuse = (field, summary, hint) => {
    problems.push({ code: 'not-supported', summary: `${field}: ${summary}`, file: service.file, field, hint });
  };
  checkWritten(service, options.instance, refuse);
  checkRaw(service, refuse);
  if (problems.length > 0 || Array.isArray(defined)) return problems;
  const definition = defined as Definition;
  return { ...definition, files: service.written.command === undefined ? [] : [fileOf(service, definition, options)] };
}

function fileOf(service: Service, { hash, fields }: Definition, options: ProgramOptions): HostFile {
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
  const render = (): string => {
    const settings = settingsOf(id, fields, logDir);
    const staged = settingsDigest(fields, autostart);
    const marks = {
      ...(service.instance === undefined ? {} : { RECONCILED_INSTANCE: String(service.instance) }),
      [STAMP]: formatStamp(owner, id, hash),
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
      name: `${instance.name}.${id}`,
      logDir,
    });
    const trailer = {
      fields,
      made,
      autostart,
      startsecs: settings.rules.ready,
      settings: staged,
      stderrLog: settings.logs.stderr,
    };
    const about = oneLine(String(fields.description ?? ''));
    return programText({ owner, id, hash }, about, lines, trailer, sectionKind(service.written));
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
