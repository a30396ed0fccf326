/** Rules across supervisors/ files, and between them and services. Pure. */
import { closest } from '../closest.ts';
import { type Instance, serviceOfInstance } from '../instance.ts';
import type { Finding } from './finding.ts';
import type { Path } from './layer.ts';
import type { Draft } from './named.ts';

/** A finding about a file, and where there is one, the other place that it disagrees with. */
export interface Placed {
  readonly in: 'service' | 'supervisor';
  readonly name: string;
  readonly finding: Finding;
  readonly other?: { readonly name: string; readonly path: Path };
}

/**
 * `names` are all declared instances, also those whose files can't be read: they are not unknown. `instances` are those
 * that are well.
 */
export function instanceRules(
  drafts: readonly Draft[],
  names: readonly string[],
  instances: readonly Instance[],
): Placed[] {
  return [
    ...drafts.flatMap((draft) => [...supervisorRule(draft, names), ...nameRule(draft, names)]),
    ...twiceRule(instances),
    ...insideRule(instances),
    ...drafts.flatMap((draft) => ownProgramRule(draft, drafts, instances)),
  ];
}

function supervisorRule({ name, written: { supervisor } }: Draft, names: readonly string[]): Placed[] {
  const [, instance] = /^supervisord\/(.*)$/.exec(supervisor ?? '') ?? [];
  if (instance === undefined || names.includes(instance)) return [];
  const near = closest(instance, names);
  const hint = near === undefined ? `add supervisors/${instance}.yaml` : `did you mean 'supervisord/${near}'?`;
  const summary = `supervisor: there is no supervisors/${instance}.yaml`;
  return [{ in: 'service', name, finding: value(['supervisor'], 'unknown-supervisor', summary, hint) }];
}

/** A program that is a service's own here can't be another's to take the place of. */
function ownProgramRule({ name, written }: Draft, drafts: readonly Draft[], instances: readonly Instance[]): Placed[] {
  return (written.supersedes ?? []).flatMap(({ program, config }, i): Placed[] => {
    const instance = config === undefined ? undefined : instances.find((one) => one.config === config);
    const is = (draft: Draft) => draft.name === program && draft.written.supervisor === instance?.supervisor;
    if (instance === undefined || !drafts.some(is)) return [];
    const hint = `move it by its own file (\`supervisor\` of '${program}'), or remove that file`;
    const summary = `supersedes: program ${program} is the service '${program}' under ${instance.supervisor}`;
    return [{ in: 'service', name, finding: value(['supersedes', i, 'program'], 'supersedes-own', summary, hint) }];
  });
}

/** The name of what runs an instance is taken, though no file of services/ says so. */
function nameRule({ name }: Draft, names: readonly string[]): Placed[] {
  const instance = names.find((one) => serviceOfInstance(one) === name);
  if (instance === undefined) return [];
  const summary = `'${name}' is the service that runs supervisors/${instance}.yaml`;
  const finding: Finding = { code: 'bad-name', path: [], part: 'key', summary, hint: 'give this one another name' };
  return [{ in: 'service', name, finding }];
}

/** What only one instance can have, and where a file says it. */
const OWN: readonly (readonly [what: string, path: Path, of: (instance: Instance) => string | undefined])[] = [
  ['config', ['config'], ({ config }) => config],
  ['include', ['include'], ({ include }) => include],
  ['socket.path', ['socket', 'path'], ({ owned }) => owned?.socket.path],
  ['pid', ['pid'], ({ owned }) => owned?.pidFile],
  ['log.path', ['log', 'path'], ({ owned }) => owned?.log.path],
];

function twiceRule(instances: readonly Instance[]): Placed[] {
  return OWN.flatMap(([what, path, of]) => {
    const first = new Map<string, string>();
    return instances.flatMap((instance): Placed[] => {
      const is = of(instance);
      const other = is === undefined ? undefined : first.get(is);
      if (is !== undefined && other === undefined) first.set(is, instance.name);
      if (other === undefined) return [];
      const summary = `${what}: the supervisord '${other}' has ${is} too`;
      const finding = value(path, 'supervisor-twice', summary, 'give each its own');
      return [{ in: 'supervisor', name: instance.name, finding, other: { name: other, path } }];
    });
  });
}

/** A main configuration in a folder that is included would be read as a program file of that instance. */
function insideRule(instances: readonly Instance[]): Placed[] {
  return instances.flatMap((instance): Placed[] => {
    const { name, config } = instance;
    if (!config.endsWith('.conf')) return [];
    const around = instances.find(
      ({ include }) => config.startsWith(`${include}/`) && !config.slice(include.length + 1).includes('/'),
    );
    if (around === undefined) return [];
    const whose = around.name === name ? 'its own include folder' : `the include folder of '${around.name}'`;
    const summary = `config: ${config} is in ${whose}, which reads it as a program file`;
    return [{ in: 'supervisor', name, finding: value(['config'], 'config-included', summary, 'put it elsewhere') }];
  });
}

function value(path: Path, code: string, summary: string, hint: string): Finding {
  return { code, path, part: 'value', summary, hint };
}
