import { readIfThere } from './host/files.ts';
import { serviceOfInstance } from './instance.ts';
import type {
  Actual,
  ActualDefinition,
  Definition,
  Desired,
  HostFile,
  Observed,
  Reading,
  Service,
  ServiceId,
} from './model.ts';
import { type Problem, why } from './problem.ts';
import { readMainConfig } from './supervisors/supervisord/main-config.ts';
import { unsafeServices } from './unsafe-instances.ts';

/** What is known of definitions once the files that services bring along were looked for on the host. */
export interface Looked {
  /** Those that were observed, with these files as they are on disk. */
  readonly observed: Observed;
  /** Those that Git wants, with these files as they should be. */
  readonly definitions: ReadonlyMap<ServiceId, Definition>;
  /** Services whose files are in the place of somebody else's, or where others can write, or can't be read. */
  readonly problems: ReadonlyMap<ServiceId, Problem>;
}

/**
 * Adds the files that services bring along to their definitions: a definition is what is to be on the host, and what is
 * there, whole. Of what was defined before, files that are ours by what they say of themselves count too: they go when
 * nobody brings them along any more.
 */
export function withServiceFiles(
  desired: Desired,
  definitions: ReadonlyMap<ServiceId, Definition>,
  observed: Observed,
): Looked {
  const { services, policy } = desired;
  const declared = new Map(services.filter(({ files }) => files !== undefined).map((service) => [service.id, service]));
  const wanted = new Map(definitions);
  const problems = new Map(unsafeServices(desired));
  const missing = new Set(declared.keys());
  const look = (id: ServiceId, actual: Actual | undefined): Found => {
    const found = filesOf(declared.get(id), actual, policy.owner);
    if (found.problem !== undefined) problems.set(id, found.problem);
    return found;
  };
  const readings = [...observed].map(([name, reading]): [typeof name, Reading] => {
    if (reading.kind === 'unreadable') return [name, reading];
    const objects = reading.objects.map((object) => {
      if (object.kind !== 'actual' || object.owner.kind !== 'ours' || !isOfInstance(object.id)) return object;
      missing.delete(object.id);
      const { files, edited } = look(object.id, object);
      const definition: ActualDefinition = {
        ...object.definition,
        ...(files.length === 0 ? {} : { files: sorted(object.definition.files, files) }),
        ...(edited ? { edited } : {}),
      };
      return { ...object, definition };
    });
    return [name, { ...reading, objects }];
  });
  for (const [id, { files = [] }] of declared) {
    const definition = definitions.get(id);
    if (definition === undefined) continue;
    const there = missing.has(id) ? look(id, undefined).files : [];
    const brought = files.map((file) => {
      const before = there.find(({ path }) => path === file.path);
      return before === undefined ? file : { ...file, there: before.text };
    });
    wanted.set(id, { ...definition, files: sorted(definition.files, brought) });
  }
  return { observed: new Map(readings), definitions: wanted, problems };
}

interface Found {
  readonly files: readonly HostFile[];
  readonly edited: boolean;
  readonly problem?: Problem;
}

function filesOf(service: Service | undefined, actual: Actual | undefined, owner: string): Found {
  const id = service?.id ?? actual?.id ?? '';
  const before = pathsOf(actual);
  const now = (service?.files ?? []).map(({ path }) => path);
  const files: HostFile[] = [];
  let edited = false;
  for (const path of new Set([...now, ...before])) {
    let text: string | undefined;
    try {
      text = readIfThere(path);
    } catch (error) {
      return { files, edited, problem: problemOf(id, path, why(error), 'mend that, then run `reconcile` again') };
    }
    const said = text === undefined ? undefined : readMainConfig(text);
    const ours = said !== undefined && said.owner === owner && serviceOfInstance(said.name) === id;
    if (text !== undefined && (ours || (now.includes(path) && before.includes(path)))) files.push({ path, text });
    if (!now.includes(path)) continue;
    if (text === undefined || !ours || said.edited) edited = true;
    if (text !== undefined && !ours && !before.includes(path)) {
      const whose =
        said === undefined
          ? 'somebody else wrote it'
          : `it is ${serviceOfInstance(said.name)} of owner '${said.owner}'`;
      const hint = 'name another `config`, move it away, or use its supervisord as it is with `owned: false`';
      return { files, edited, problem: problemOf(id, path, whose, hint) };
    }
  }
  return { files, edited };
}

/** The files that belong to what was defined before. */
function pathsOf(actual: Actual | undefined): readonly string[] {
  const recorded = actual?.definition.fields?.restartOn;
  if (!Array.isArray(recorded)) return [];
  return recorded.flatMap((entry) => (Array.isArray(entry) && typeof entry[0] === 'string' ? [entry[0]] : []));
}

const isOfInstance = (id: ServiceId) => id.startsWith(serviceOfInstance(''));

/** By path, each once; what a service brings along wins. */
export function sorted(own: readonly HostFile[] = [], brought: readonly HostFile[]): readonly HostFile[] {
  const paths = new Set(brought.map(({ path }) => path));
  return [...own.filter(({ path }) => !paths.has(path)), ...brought].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function problemOf(id: ServiceId, path: string, because: string, hint: string): Problem {
  return { code: 'bad-definition', summary: `cannot write ${path} for ${id}: ${because}`, hint };
}
