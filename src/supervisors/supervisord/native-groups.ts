import type { Section } from './ini.ts';
import { type Program, programOf, type Surroundings, sectionName } from './programs.ts';
import { compare, strip } from './python.ts';
import type { Reader, Scope } from './reader.ts';
import { BOOLEAN, OCTAL, WHOLE } from './values.ts';

/** What supervisord holds, adds and removes as one. */
export interface Group {
  /**
   * `group`: programs that a [group:x] has put together, none of which can be added, changed or removed without stopping all;
   * else one program of that kind, by itself.
   */
  readonly kind: 'group' | 'program' | 'eventlistener' | 'fcgi-program';
  readonly name: string;
  readonly section: Section;
  readonly priority: number;
  readonly programs: readonly Program[];
}

/** supervisor.options: process_groups_from_parser, in the order that it starts them. */
export function groupsOf(reader: Reader, surroundings: Surroundings): readonly Group[] {
  const { sections } = reader.ini;
  const here: Scope = new Map([['here', surroundings.here]]);
  const taken = new Set<Section>();
  const priorityOf = (section: Section, fallback = 999) => reader.value(section, 'priority', WHOLE, fallback, here);
  const of = (prefix: string) => [...sections.values()].filter(({ name }) => name.startsWith(`${prefix}:`));

  const groups = of('group').flatMap((section): Group[] => {
    const name = sectionName(reader, section);
    const written = reader.text(section, 'programs', here);
    const members = written ? written.split(',').map(strip) : [];
    const programs = members.flatMap((member) => {
      const [program, fcgi] = [sections.get(`program:${member}`), sections.get(`fcgi-program:${member}`)];
      const found = program ?? fcgi;
      if (found === undefined) {
        reader.refuse(section, 'programs', `there is no [program:${member}]`);
        return [];
      }
      if (program !== undefined && fcgi !== undefined)
        reader.refuse(section, 'programs', `${member} is both a [program:${member}] and a [fcgi-program:${member}]`);
      taken.add(found);
      return programOf(reader, found, name ?? '', surroundings) ?? [];
    });
    return [{ kind: 'group', name: name ?? '', section, priority: priorityOf(section), programs }];
  });
  const single = (kind: Exclude<Group['kind'], 'group'>, priority: number, check: (section: Section) => void) =>
    of(kind)
      .filter((section) => !taken.has(section))
      .flatMap((section): Group[] => {
        const name =
          kind === 'eventlistener' ? section.name.slice(section.name.indexOf(':') + 1) : sectionName(reader, section);
        check(section);
        const program = name === undefined ? undefined : programOf(reader, section, name, surroundings);
        if (name === undefined || program === undefined) return [];
        return [{ kind, name, section, priority: priorityOf(section, priority), programs: [program] }];
      });
  return [
    ...groups,
    ...single('program', 999, () => {}),
    ...single('eventlistener', -1, (section) => checkListener(reader, section, here)),
    ...single('fcgi-program', 999, (section) => checkFcgi(reader, section, here)),
  ].sort((a, b) => a.priority - b.priority || compare(a.name, b.name));
}

/** supervisor.events: EventTypes */
export const EVENTS: ReadonlySet<string> = new Set(
  `EVENT PROCESS_STATE PROCESS_STATE_STOPPED PROCESS_STATE_EXITED PROCESS_STATE_STARTING PROCESS_STATE_STOPPING
  PROCESS_STATE_BACKOFF PROCESS_STATE_FATAL PROCESS_STATE_RUNNING PROCESS_STATE_UNKNOWN PROCESS_COMMUNICATION
  PROCESS_COMMUNICATION_STDOUT PROCESS_COMMUNICATION_STDERR PROCESS_LOG PROCESS_LOG_STDOUT PROCESS_LOG_STDERR
  REMOTE_COMMUNICATION SUPERVISOR_STATE_CHANGE SUPERVISOR_STATE_CHANGE_RUNNING SUPERVISOR_STATE_CHANGE_STOPPING
  TICK TICK_5 TICK_60 TICK_3600 PROCESS_GROUP PROCESS_GROUP_ADDED PROCESS_GROUP_REMOVED`.split(/\s+/),
);

function checkListener(reader: Reader, section: Section, here: Scope): void {
  if (reader.value(section, 'buffer_size', WHOLE, 10, here) < 1)
    reader.refuse(section, 'buffer_size', 'it has to be 1 at least');
  const events = reader.text(section, 'events', here) ?? '';
  if (events === '') reader.refuse(section, undefined, 'it has no events');
  const unknown = events.split(',').find((event) => events !== '' && !EVENTS.has(strip(event).toUpperCase()));
  if (unknown !== undefined) reader.refuse(section, 'events', `there is no event ${strip(unknown)}`);
  if (reader.value(section, 'redirect_stderr', BOOLEAN, false, here))
    reader.refuse(section, 'redirect_stderr', 'an event listener speaks on its output');
}

function checkFcgi(reader: Reader, section: Section, here: Scope): void {
  reader.user(section, 'user', here);
  const backlog = reader.value<number | undefined>(section, 'socket_backlog', WHOLE, undefined, here);
  if (backlog !== undefined && (backlog < 1 || backlog > 65_535))
    reader.refuse(section, 'socket_backlog', 'it has to be from 1 to 65535');
  const owner = reader.owner(section, 'socket_owner', here);
  const mode = reader.value<number | undefined>(section, 'socket_mode', OCTAL, undefined, here);
  const name = strip(section.name.slice(section.name.indexOf(':') + 1));
  const socket = reader.text(section, 'socket', new Map([...here, ['program_name', name]]));
  const port = Number(/^tcp:\/\/[^\s:]+:(\d+)$/.exec(socket ?? '')?.[1]);
  if (!socket) reader.refuse(section, undefined, 'it has no socket');
  else if (socket.startsWith('unix://')) {
    if (socket[7] !== '/') reader.refuse(section, 'socket', 'its path is not absolute');
  } else if (owner !== undefined || mode !== undefined)
    reader.refuse(section, 'socket', 'only a UNIX socket has an owner and a mode');
  else if (!(port >= 1 && port <= 65_535))
    reader.refuse(section, 'socket', 'it is no unix:///PATH and no tcp://HOST:PORT');
}
