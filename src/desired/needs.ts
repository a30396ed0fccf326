/** Rules about whom a service names: what it is started after, and what it requires. Pure. */
import { closest } from '../closest.ts';
import type { ServiceFile } from './generated/service.ts';
import type { Path } from './layer.ts';
import { type Draft, type Named, named } from './named.ts';

/** One of the two lists of names. */
interface List {
  readonly path: Path;
  /** As people write it. */
  readonly key: string;
  readonly code: string;
  readonly self: string;
  readonly of: (written: Partial<ServiceFile>) => readonly string[];
}

const LISTS: readonly List[] = [
  {
    path: ['start', 'after'],
    key: 'start.after',
    code: 'after',
    self: "can't wait for itself",
    of: ({ start }) => start?.after ?? [],
  },
  {
    path: ['requires'],
    key: 'requires',
    code: 'requires',
    self: "can't require itself",
    of: ({ requires }) => requires ?? [],
  },
];

/** `names` are all declared services, also those whose files can't be read: they are not unknown. */
export function needRules(drafts: readonly Draft[], names: ReadonlySet<string>): Named[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  return LISTS.flatMap((list) => [
    ...drafts.flatMap((draft) => nameRules(list, draft, byName, names)),
    ...cycleRule(list, drafts, byName),
  ]);
}

function nameRules(
  { path, key, code: kind, self, of }: List,
  draft: Draft,
  byName: ReadonlyMap<string, Draft>,
  names: ReadonlySet<string>,
): Named[] {
  return of(draft.written).flatMap((other, i) => {
    const tell = (code: string, summary: string, hint: string) => [
      named(draft.name, [...path, i], code, summary, hint),
    ];
    if (other === draft.name) return tell(`${kind}-cycle`, `${key}: '${other}' ${self}`, 'remove it');
    if (!names.has(other)) {
      const group = [...byName.values()].filter(({ written }) => written.group === other).map(({ name }) => name);
      if (group.length > 0) {
        return tell(
          `unknown-${kind}`,
          `${key}: '${other}' is a group, not a service`,
          `name its services: ${group.join(', ')}`,
        );
      }
      const near = closest(
        other,
        [...names].filter((name) => name !== draft.name),
      );
      const hint = near === undefined ? 'only services that are declared here can be named' : `did you mean '${near}'?`;
      return tell(`unknown-${kind}`, `${key}: no service is called '${other}'`, hint);
    }
    const state = byName.get(other)?.written.state ?? 'running';
    if ((draft.written.state ?? 'running') !== 'running' || state === 'running' || state === 'manual') return [];
    return tell(
      `${kind}-not-running`,
      `${key}: '${other}' never runs: its state is ${state}`,
      `remove it, or let ${other} run`,
    );
  });
}

/** Each cycle is told once, whole, at its alphabetically first service. */
function cycleRule(
  { path, key, code, of }: List,
  drafts: readonly Draft[],
  byName: ReadonlyMap<string, Draft>,
): Named[] {
  const next = circling(drafts, byName, of);
  const found: Named[] = [];
  const done = new Set<string>();
  for (const start of [...next.keys()].sort()) {
    const trail: string[] = [];
    let name: string | undefined = start;
    for (; name !== undefined && !done.has(name); name = next.get(name)) {
      done.add(name);
      trail.push(name);
    }
    const ring = trail.slice(trail.indexOf(name ?? ''));
    if (name === undefined || !trail.includes(name) || ring.length < 2) continue;
    const [first = name] = [...ring].sort();
    const turned = [...ring.slice(ring.indexOf(first)), ...ring.slice(0, ring.indexOf(first)), first];
    const index = Math.max(0, of(byName.get(first)?.written ?? {}).indexOf(turned[1] ?? first));
    const summary = `${key} goes round in a circle: ${turned.join(' -> ')}`;
    found.push(named(first, [...path, index], `${code}-cycle`, summary, 'remove one of them'));
  }
  return found;
}

/** The services that can never be started since they wait in a circle, or for one, each with one that it waits for. */
function circling(drafts: readonly Draft[], byName: ReadonlyMap<string, Draft>, of: List['of']): Map<string, string> {
  const waits = new Map(
    drafts.map(({ name, written }) => [name, new Set(of(written).filter((other) => byName.has(other)))]),
  );
  const waiters = new Map<string, string[]>();
  for (const [name, befores] of waits) {
    for (const before of befores) {
      const list = waiters.get(before);
      if (list) list.push(name);
      else waiters.set(before, [name]);
    }
  }
  const free = [...waits].filter(([, befores]) => befores.size === 0).map(([name]) => name);
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    waits.delete(name);
    for (const waiter of waiters.get(name) ?? []) {
      const befores = waits.get(waiter);
      befores?.delete(name);
      if (befores?.size === 0) free.push(waiter);
    }
  }
  return new Map([...waits].map(([name, befores]) => [name, [...befores][0] ?? name]));
}
