/** Rules across the files of all services. Pure. */
import { canonical, type Json } from '../canonical.ts';
import { closest } from '../closest.ts';
import type { Finding } from './finding.ts';
import type { ServiceFile } from './generated/service.ts';
import type { Path } from './layer.ts';

/** A service as far as it is well: keys with findings are left out. */
export interface Draft {
  readonly name: string;
  readonly written: Partial<ServiceFile>;
}

/** A finding about a service, and where there is one, the other place that it disagrees with. */
export interface Named {
  readonly name: string;
  readonly finding: Finding;
  readonly other?: { readonly name: string; readonly path: Path };
}

/** `names` are all declared services, also those whose files can't be read: they are not unknown. */
export function acrossRules(drafts: readonly Draft[], names: ReadonlySet<string>): Named[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  return [
    ...drafts.flatMap((draft) => afterRules(draft, byName, names)),
    ...cycleRule(drafts, byName),
    ...formerlyRules(drafts, names),
    ...supersedesRule(drafts),
    ...ownUnitRule(drafts),
    ...unitRule(drafts),
  ];
}

function afterRules(draft: Draft, byName: ReadonlyMap<string, Draft>, names: ReadonlySet<string>): Named[] {
  return (draft.written.start?.after ?? []).flatMap((other, i) => {
    const tell = (code: string, summary: string, hint: string) => [
      named(draft.name, ['start', 'after', i], code, summary, hint),
    ];
    if (other === draft.name) return tell('after-cycle', `start.after: '${other}' can't wait for itself`, 'remove it');
    if (!names.has(other)) {
      const group = [...byName.values()].filter(({ written }) => written.group === other).map(({ name }) => name);
      if (group.length > 0) {
        return tell(
          'unknown-after',
          `start.after: '${other}' is a group, not a service`,
          `name its services: ${group.join(', ')}`,
        );
      }
      const near = closest(
        other,
        [...names].filter((name) => name !== draft.name),
      );
      const hint = near === undefined ? 'only services that are declared here can be named' : `did you mean '${near}'?`;
      return tell('unknown-after', `start.after: no service is called '${other}'`, hint);
    }
    const state = byName.get(other)?.written.state ?? 'running';
    if ((draft.written.state ?? 'running') !== 'running' || state === 'running' || state === 'manual') return [];
    return tell(
      'after-not-running',
      `start.after: '${other}' never runs: its state is ${state}`,
      `remove it, or let ${other} run`,
    );
  });
}

/** Each cycle is told once, whole, at its alphabetically first service. */
function cycleRule(drafts: readonly Draft[], byName: ReadonlyMap<string, Draft>): Named[] {
  const next = circling(drafts, byName);
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
    const index = byName.get(first)?.written.start?.after?.indexOf(turned[1] ?? first) ?? 0;
    const summary = `start.after goes round in a circle: ${turned.join(' -> ')}`;
    found.push(named(first, ['start', 'after', index], 'after-cycle', summary, 'remove one of them'));
  }
  return found;
}

/** The services that can never be started since they wait in a circle, or for one, each with one that it waits for. */
function circling(drafts: readonly Draft[], byName: ReadonlyMap<string, Draft>): Map<string, string> {
  const waits = new Map(
    drafts.map(({ name, written }) => [name, new Set(written.start?.after?.filter((n) => byName.has(n)))]),
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

function formerlyRules(drafts: readonly Draft[], names: ReadonlySet<string>): Named[] {
  const claimed = new Map<string, string>();
  return drafts.flatMap(({ name, written }) =>
    (written.formerly ?? []).flatMap((old, i) => {
      const tell = (summary: string, hint: string) => [
        named(name, ['formerly', i], 'formerly', `formerly: ${summary}`, hint),
      ];
      if (old === name) return tell(`'${old}' is its name now`, 'remove it');
      if (names.has(old)) return tell(`'${old}' is still declared`, `remove the file of ${old}, or this line`);
      const first = claimed.get(old);
      claimed.set(old, first ?? name);
      return first === undefined ? [] : tell(`'${first}' was '${old}' too`, 'only one service can take over a name');
    }),
  );
}

/** Two services about one unit would undo each other's work. */
function unitRule(drafts: readonly Draft[]): Named[] {
  const first = new Map<string, string>();
  return drafts.flatMap(({ name, written: { unit } }) => {
    const other = unit === undefined ? undefined : first.get(unit);
    if (unit !== undefined && other === undefined) first.set(unit, name);
    if (other === undefined) return [];
    const found = named(name, ['unit'], 'unit-twice', `unit: '${other}' is about ${unit} too`, 'keep one of them');
    return [{ ...found, other: { name: other, path: ['unit'] } }];
  });
}

function supersedesRule(drafts: readonly Draft[]): Named[] {
  const claimed = new Map<string, { readonly name: string; readonly path: Path }>();
  return drafts.flatMap(({ name, written }) =>
    (written.supersedes ?? []).flatMap((thing, i) => {
      const path = ['supersedes', i];
      const text = canonical(thing as unknown as Json);
      const first = claimed.get(text);
      if (first === undefined) {
        claimed.set(text, { name, path });
        return [];
      }
      const found = named(
        name,
        path,
        'superseded-twice',
        `supersedes: '${first.name}' supersedes this too`,
        'only one service can take its place',
      );
      return [{ ...found, other: first }];
    }),
  );
}

/** A unit that is a service's own here can't be another's to take the place of. */
function ownUnitRule(drafts: readonly Draft[]): Named[] {
  const owner = new Map(
    drafts.flatMap(({ name, written: { supervisor, unit, state } }) =>
      supervisor === 'systemd' && state !== 'absent' ? [[unit ?? `${name}.service`, name] as const] : [],
    ),
  );
  return drafts.flatMap(({ name, written }) =>
    (written.supersedes ?? []).flatMap(({ unit }, i) => {
      const other = unit === undefined ? undefined : owner.get(unit);
      if (other === undefined) return [];
      const path = ['supersedes', i, 'unit'];
      const whose = other === name ? 'this service itself' : `the service '${other}'`;
      const hint =
        other === name ? 'remove it' : `move it by its own file (\`supervisor\` of '${other}'), or remove that file`;
      return [named(name, path, 'supersedes-own', `supersedes: ${unit} is ${whose}`, hint)];
    }),
  );
}

function named(name: string, path: Path, code: string, summary: string, hint: string): Named {
  return { name, finding: { code, path, part: 'value', summary, hint } };
}
