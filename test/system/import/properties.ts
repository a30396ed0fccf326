import { BASE_PATH } from '../../../src/supervisors/shared/environment.ts';

export type Properties = Readonly<Record<string, unknown>>;

/** Of what a unit is doing, and where its files are: nothing that they say. */
const PASSING =
  /^(Id|Names|Following|FragmentPath|DropInPaths|SourcePath|NeedDaemonReload|UnitFileState|UnitFilePreset|InvocationID|ControlGroup|ControlGroupId|ControlPID|MainPID|UID|GID|ActiveState|SubState|FreezerState|Job|CanClean|ConditionResult|AssertResult|Transient|Perpetual|StatusText|StatusErrno|Result|ReloadResult|CleanResult|NRestarts|NFileDescriptorStore|ExecMain(Code|Status|PID)|EffectiveCPUs|EffectiveMemoryNodes|CPUUsageNSec|Memory(Current|Available|Peak)|TasksCurrent|IP(Ingress|Egress)(Bytes|Packets)|IO(Read|Write)(Bytes|Operations)|.*Timestamp(Monotonic)?|Refs|.*LoadError|WatchdogTimestamp.*|ActivationDetails|CollectMode_)$/;

export interface Pair {
  readonly unit: string;
  readonly name: string;
  /** Variables that were moved to a file. */
  readonly secrets: readonly string[];
}

/** What is not the same of two units, but for their names and what we add to every service. */
export function differences(before: Properties, after: Properties, pair: Pair): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((key) => {
    if (PASSING.test(key)) return [];
    const [from, to] = [normal(key, before[key], pair, before), normal(key, after[key], pair, before)];
    return from === to ? [] : [`${key}: ${from} -> ${to}`];
  });
}

function normal(key: string, value: unknown, { unit, name, secrets }: Pair, before: Properties): string {
  const own = Array.isArray(value) ? value.map((item) => without(key, item)) : value;
  if (!Array.isArray(own)) return JSON.stringify(named(own));
  const list = key === 'Environment' ? own.filter((item) => !added(String(item))) : own;
  const files = key === 'EnvironmentFiles' ? list.filter((item) => JSON.stringify(item) !== SECRETS) : list;
  const texts = files.map((item) => JSON.stringify(named(item)));
  return `[${(ORDERED.test(key) ? texts : texts.sort()).join(', ')}]`;

  function added(item: string): boolean {
    const variables = before.Environment as readonly string[];
    if (/^RECONCILED_(DEFINITION|SUPERVISOR)=/.test(item)) return true;
    if (secrets.some((secret) => item.startsWith(`${secret}=`))) return true;
    const base = [`PATH=${BASE_PATH}`, 'LANG=C.UTF-8'].find((one) => one === item);
    return base !== undefined && !variables.some((one) => one.startsWith(base.replace(/=.*/, '=')));
  }

  function named(item: unknown): unknown {
    if (unit === name) return item;
    if (typeof item === 'string') return item === unit || item === name ? 'UNIT' : item;
    return Array.isArray(item) ? item.map(named) : item;
  }
}

/** The file that secrets of an imported unit go to. */
const SECRETS = JSON.stringify(['/etc/reconciled/import/secrets.env', false]);

const ORDERED = /^(Exec|EnvironmentFiles|Conditions|Asserts|Documentation)/;

/** Commands tell when they ran, conditions whether they were met. */
function without(key: string, item: unknown): unknown {
  if (!Array.isArray(item)) return item;
  if (key.startsWith('Exec')) return item.slice(0, 3);
  return /^(Conditions|Asserts)$/.test(key) ? item.slice(0, -1) : item;
}
