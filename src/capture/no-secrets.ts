import type { Json } from '../canonical.ts';
import { at, dotted, type Kind, type Path, type Tree } from '../desired/layer.ts';
import { Failure } from '../problem.ts';
import { maskField } from '../secrets.ts';
import { isSame } from './tree.ts';
import type { Asked } from './words.ts';

/** Refuses what would put a secret into Git, where it stays for ever. What was there before is not asked about. */
export function refuseSecret(kind: Kind, path: Path, before: Tree, after: Tree, one: Asked): void {
  const found = secretsIn(after, path).filter((secret) => !isSame(at(before, secret), at(after, secret)));
  const [first] = found;
  if (first === undefined) return;
  const field = `${one.name}.${dotted(first)}`;
  const of = first[0] === 'environment' ? String(first[1]) : 'NAME';
  const hint =
    kind === 'service'
      ? `write \`${of}=…\` into a file of this host that only its user can read, and name that: ` +
        `reconcile set ${one.name}.environmentFiles+=/etc/${one.name}/secrets.env`
      : 'name a file of this host that holds it, where the field takes one';
  throw new Failure({
    code: 'secret',
    summary: `cannot set ${field}: it looks like a secret, and what is in Git once stays there`,
    hint: `${hint}\nif it is none, write it with an editor`,
  });
}

/** The leaves at and below a path that are masked wherever they are shown. */
function secretsIn(tree: Tree, path: Path): readonly Path[] {
  const [top = ''] = path;
  const value = at(tree, [top]) as Json | undefined;
  if (value === undefined) return [];
  const of = (field: string, below: Path) => {
    const there = at(tree, below) as Json;
    return leaves(maskField(field, there), there, below);
  };
  const all =
    top === 'environment'
      ? Object.keys(value as object).flatMap((key) => of(`environment.${key}`, [top, key]))
      : of(String(top), [top]);
  return all.filter((leaf) => path.every((key, i) => leaf[i] === key || i >= leaf.length));
}

function leaves(masked: unknown, plain: unknown, path: Path): Path[] {
  if (isSame(masked, plain)) return [];
  if (typeof plain !== 'object' || plain === null) return [path];
  return Object.keys(plain).flatMap((key) => {
    const step = Array.isArray(plain) ? Number(key) : key;
    return leaves(at(masked, [step]), at(plain, [step]), [...path, step]);
  });
}
