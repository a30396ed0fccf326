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

export interface Named {
  readonly name: string;
  readonly finding: Finding;
}

/** `names` are all declared services, also those whose files can't be read: they are not unknown. */
export function acrossRules(
  drafts: readonly Draft[],
  names: ReadonlySet<string>,
  placeOf: (name: string, path: Path) => string,
): Named[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  return [
    ...drafts.flatMap((draft) => afterRules(draft, byName, names)),
    ...cycleRule(drafts, byName),
    ...formerlyRules(drafts, names),
    ...supersedesRule(drafts, placeOf),
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
  const done = new Set<string>();
  const found: Named[] = [];
  const walk = (name: string, trail: string[]): void => {
    const start = trail.indexOf(name);
    if (start >= 0) {
      const ring = trail.slice(start);
      const first = [...ring].sort()[0] ?? name;
      const turned = [...ring.slice(ring.indexOf(first)), ...ring.slice(0, ring.indexOf(first))];
      const index = byName.get(first)?.written.start?.after?.indexOf(turned[1] ?? first) ?? 0;
      const words = [...turned, first].join(' -> ');
      if (ring.length > 1) {
        found.push(
          named(
            first,
            ['start', 'after', index],
            'after-cycle',
            `start.after goes round in a circle: ${words}`,
            'remove one of them',
          ),
        );
      }
      return;
    }
    if (done.has(name)) return;
    for (const next of byName.get(name)?.written.start?.after ?? []) walk(next, [...trail, name]);
    done.add(name);
  };
  for (const { name, written } of drafts) if (written.start?.after?.length) walk(name, []);
  return found;
}

function formerlyRules(drafts: readonly Draft[], names: ReadonlySet<string>): Named[] {
  const claimed = new Map<string, string>();
  return drafts.flatMap(({ name, written }) =>
    (written.formerly ?? []).flatMap((old, i) => {
      const tell = (summary: string, hint: string) => [
        named(name, ['formerly', i], 'formerly', `formerly: ${summary}`, hint),
      ];
      if (old === name) return tell('that is its name now', 'remove it');
      if (names.has(old)) return tell(`'${old}' is still declared`, `remove the file of ${old}, or this line`);
      const first = claimed.get(old);
      claimed.set(old, first ?? name);
      return first === undefined ? [] : tell(`'${first}' was '${old}' too`, 'only one service can take over a name');
    }),
  );
}

function supersedesRule(drafts: readonly Draft[], placeOf: (name: string, path: Path) => string): Named[] {
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
      return [
        { ...found, finding: { ...found.finding, detail: `the other is at ${placeOf(first.name, first.path)}` } },
      ];
    }),
  );
}

function named(name: string, path: Path, code: string, summary: string, hint: string): Named {
  return { name, finding: { code, path, part: 'value', summary, hint } };
}
