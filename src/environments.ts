import { accessSync, constants, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment, Origin, Variable } from './environment.ts';
import { readWhole, statOf, uidOf } from './host/procfs.ts';
import { findUser, self, type User } from './host/users.ts';
import type { Desired, Service, ServiceStatus } from './model.ts';
import { why } from './problem.ts';
import { maskField } from './secrets.ts';
import { environmentOf, parseFile } from './supervisors/shared/environment.ts';

const SECRET = '***';
const MARK = /^RECONCILED_(DEFINITION|SUPERVISOR|SETTINGS|INSTANCE)$/;
/** What systemd adds (systemd.exec(5)), and supervisord (subprocesses). */
const SYSTEMD =
  /^(INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MANAGERPID|NOTIFY_SOCKET|WATCHDOG_(PID|USEC)|LISTEN_(PID|FDS|FDNAMES)|MEMORY_PRESSURE_(WATCH|WRITE)|CREDENTIALS_DIRECTORY|(RUNTIME|STATE|CACHE|LOGS|CONFIGURATION)_DIRECTORY|MAINPID|TERM)$/;
const SUPERVISORD = /^SUPERVISOR_(ENABLED|SERVER_URL|PROCESS_NAME|GROUP_NAME)$/;

interface Declared {
  readonly from: Origin;
  readonly value: string;
}

/** What a service's process has, beside what its next start would have. Positions need `loadYaml` before. */
export async function environmentsOf(desired: Desired, status: ServiceStatus): Promise<Environment> {
  const service = desired.services.find(({ id }) => id === status.name);
  const running = status.pid === null ? undefined : read(status.pid);
  const files = (service?.written.environmentFiles ?? []).map((path) =>
    readFile(resolve('/', service?.written.directory ?? '/', path)),
  );
  const said =
    service === undefined ? new Map<string, Declared>() : await declaredBy(service, desired, status.pid, files);
  const has = running?.kind === 'read' ? running.values : undefined;
  const inherited = inheritedBy(status, has);
  const isOther = (name: string) => !said.has(name) && originOf(name, status.supervisor, inherited).kind === 'other';
  // A value that Git does not say may have come from a file of secrets, as it is or as it was when it was started; and where
  // one that nobody declares did, an old one may have too.
  const isSafe = files.length === 0 && ![...(has?.keys() ?? [])].some(isOther);
  const isWhole = service?.written.unit === undefined && files.every((file) => file.values !== undefined);
  const names = [...new Set([...said.keys(), ...(has?.keys() ?? [])])].sort();
  const context = { has, inherited, isSafe, supervisor: status.supervisor, isWhole: isWhole && service !== undefined };
  return {
    id: status.name,
    isDeclared: service !== undefined,
    pid: status.pid,
    unreadable: running?.kind === 'unreadable' ? running.why : null,
    files: files.map(({ path, unreadable }) => ({ path, unreadable: unreadable ?? null })),
    variables: names.map((name) => variable(name, said.get(name), context)),
  };
}

interface Around {
  readonly has: ReadonlyMap<string, string> | undefined;
  readonly inherited: ReadonlySet<string>;
  /** No file of secrets plays a part. */
  readonly isSafe: boolean;
  readonly supervisor: string;
  /** All that is declared is known. */
  readonly isWhole: boolean;
}

function variable(
  name: string,
  said: Declared | undefined,
  { has, inherited, isSafe, supervisor, isWhole }: Around,
): Variable {
  const value = has?.get(name);
  const from = said?.from ?? originOf(name, supervisor, inherited);
  const isOurs = from.kind === 'mark' || (from.kind === 'supervisor' && (SYSTEMD.test(name) || SUPERVISORD.test(name)));
  const isGits = said !== undefined && said.from.kind !== 'file' && (value === said.value || isSafe);
  const masked = (text: string) => String(maskField(`environment.${name}`, text));
  const state = () => {
    if (has === undefined || from.kind === 'mark') return 'unknown';
    if (said === undefined) return from.kind === 'other' && isWhole ? 'extra' : 'unknown';
    if (value === undefined) return 'missing';
    return value === said.value ? 'same' : 'differs';
  };
  return {
    name,
    from,
    declared: said === undefined ? null : said.from.kind === 'file' ? SECRET : masked(said.value),
    running: value === undefined ? null : isOurs || isGits ? masked(value) : SECRET,
    state: state(),
  };
}

function originOf(name: string, supervisor: string, inherited: ReadonlySet<string>): Origin {
  if (MARK.test(name)) return { kind: 'mark' };
  const [kind = ''] = supervisor.split('/');
  const isKnown = kind !== 'builtin' && (SYSTEMD.test(name) || (kind === 'supervisord' && SUPERVISORD.test(name)));
  return isKnown || inherited.has(name) ? { kind: 'supervisor', name: kind } : { kind: 'other' };
}

/** What a program has since its supervisord has it: that passes on its own environment. */
function inheritedBy(
  { pid, supervisor }: ServiceStatus,
  has: ReadonlyMap<string, string> | undefined,
): ReadonlySet<string> {
  const parent = pid === null || !supervisor.startsWith('supervisord/') ? undefined : statOf(pid)?.ppid;
  const from = parent === undefined ? undefined : read(parent);
  if (from?.kind !== 'read') return new Set();
  return new Set([...from.values].flatMap(([name, value]) => (has?.get(name) === value ? [name] : [])));
}

/** What the next start would have: the base, then `environment`, then the files in their order. */
async function declaredBy(
  service: Service,
  desired: Desired,
  pid: number | null,
  files: readonly ReadFile[],
): Promise<ReadonlyMap<string, Declared>> {
  const { environment = {}, unit } = service.written;
  const all = new Map<string, Declared>();
  // A unit of others has whatever it says itself.
  const base =
    unit === undefined ? environmentOf({ environment: {}, environmentFiles: [] }, await userOf(service, pid)) : {};
  for (const [name, value] of Object.entries(base)) all.set(name, { from: { kind: 'base' }, value });
  for (const [name, value] of Object.entries(environment))
    all.set(name, { from: { kind: 'environment', at: desired.locate(service.id, ['environment', name]) }, value });
  for (const { path, values } of files)
    for (const [name, value] of Object.entries(values ?? {})) all.set(name, { from: { kind: 'file', path }, value });
  return all;
}

/** Whose home and shell it has: the user it says, else whoever it runs as. */
async function userOf({ written }: Service, pid: number | null): Promise<User | undefined> {
  const [named] = written.user?.split(':') ?? [];
  if (named !== undefined) return findUser(named);
  const uid = pid === null ? undefined : uidOf(pid);
  return uid === undefined || uid === self().uid ? self() : findUser(String(uid));
}

interface ReadFile {
  readonly path: string;
  readonly values?: Readonly<Record<string, string>>;
  readonly unreadable?: string;
}

function readFile(path: string): ReadFile {
  try {
    return { path, values: parseFile(readFileSync(path, 'utf8')) };
  } catch (error) {
    return { path, unreadable: why(error) };
  }
}

type Running =
  | { readonly kind: 'read'; readonly values: ReadonlyMap<string, string> }
  | { readonly kind: 'unreadable'; readonly why: string };

/** That of a process as it was started; what is no assignment is left out: a program may write over it. */
function read(pid: number): Running {
  const path = `/proc/${pid}/environ`;
  const text = readWhole(path);
  if (text === undefined) return { kind: 'unreadable', why: whyNot(path) };
  const pairs = Buffer.from(text, 'latin1')
    .toString()
    .split('\0')
    .flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    });
  return { kind: 'read', values: new Map(pairs) };
}

function whyNot(path: string): string {
  try {
    accessSync(path, constants.R_OK);
    return 'it has just ended';
  } catch (error) {
    return why(error);
  }
}
