/** Rules across the files of all services. Pure. */
import { canonical, type Json } from '../canonical.ts';
import type { Path } from './layer.ts';
import { type Draft, type Named, named } from './named.ts';
import { needRules } from './needs.ts';

/** `names` are all declared services, also those whose files can't be read: they are not unknown. */
export function acrossRules(drafts: readonly Draft[], names: ReadonlySet<string>): Named[] {
  return [
    ...needRules(drafts, names),
    ...formerlyRules(drafts, names),
    ...supersedesRule(drafts),
    ...ownUnitRule(drafts),
    ...unitRule(drafts),
  ];
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
      // Its own is what is there of that name by somebody else: it takes its place as it is.
      const inPlace = other === name && written.unit === undefined && written.instances === undefined;
      if (other === undefined || inPlace) return [];
      const path = ['supersedes', i, 'unit'];
      const whose = other === name ? 'this service itself' : `the service '${other}'`;
      const hint =
        other === name ? 'remove it' : `move it by its own file (\`supervisor\` of '${other}'), or remove that file`;
      return [named(name, path, 'supersedes-own', `supersedes: ${unit} is ${whose}`, hint)];
    }),
  );
}
