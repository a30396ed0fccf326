import { BASE_PATH } from '../../../src/supervisors/shared/environment.ts';

export type Properties = Readonly<Record<string, unknown>>;

/** Of what a unit is doing, and where its files are: nothing that they say. */
const PASSING =
  /^(Id|Names|Following|FragmentPath|DropInPaths|SourcePath|NeedDaemonReload|UnitFileState|UnitFilePreset|InvocationID|ControlGroup|ControlGroupId|ControlPID|MainPID|UID|GID|ActiveState|SubState|FreezerState|Job|CanClean|ConditionResult|AssertResult|Transient|Perpetual|StatusText|StatusErrno|Result|ReloadResult|CleanResult|NRestarts|NFileDescriptorStore|ExecMain(Code|Status|PID)|EffectiveCPUs|EffectiveMemoryNodes|CPUUsageNSec|Memory(Current|Available|Peak)|TasksCurrent|IP(Ingress|Egress)(Bytes|Packets)|IO(Read|Write)(Bytes|Operations)|.*Timestamp(Monotonic)?|Refs|.*LoadError|WatchdogTimestamp.*|ActivationDetails|CollectMode_)$/;

/** What is not the same of two units, but for what we add to every service. `secrets`: variables that were moved to a file. */
export function differences(before: Properties, after: Properties, secrets: readonly string[]): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((key) => {
    if (PASSING.test(key)) return [];
    const isAdded = added(before, secrets);
    const [from, to] = [normal(key, before[key], isAdded), normal(key, after[key], isAdded)];
    return from === to ? [] : [`${key}: ${from} -> ${to}`];
  });
}

function normal(key: string, value: unknown, isAdded: (item: string) => boolean): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  const own = value.map((item) => JSON.stringify(without(key, item)));
  const list =
    key === 'Environment' ? value.filter((item) => !isAdded(String(item))).map((item) => JSON.stringify(item)) : own;
  const kept = key === 'EnvironmentFiles' ? list.filter((item) => item !== SECRETS) : list;
  return `[${(ORDERED.test(key) ? kept : kept.sort()).join(', ')}]`;
}

function added(before: Properties, secrets: readonly string[]): (item: string) => boolean {
  const said = (before.Environment ?? []) as readonly string[];
  const keys = new Set(said.map((one) => one.replace(/=.*/s, '')));
  return (item) => {
    const key = item.replace(/=.*/s, '');
    if (/^RECONCILED_(DEFINITION|SUPERVISOR)$/.test(key) || secrets.includes(key)) return true;
    return !keys.has(key) && [`PATH=${BASE_PATH}`, 'LANG=C.UTF-8'].includes(item);
  };
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
