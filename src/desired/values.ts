import type { Finding } from './finding.ts';
import { dotted, isTree, type Kind, type Path, type Tree } from './layer.ts';
import { schemaAt } from './schema.ts';

/**
 * What no value may be, whatever its key: nothing at all, unless `deletes` says that the key is to be deleted, or a
 * text that no program could be given.
 */
export function checkValues(kind: Kind, deletes: (path: Path) => boolean, value: Tree): Finding[] {
  const findings: Finding[] = [];
  const walk = (path: Path, inList: boolean, here: unknown): void => {
    if (here === null) {
      if (inList || !deletes(path)) findings.push(empty(path));
      else if (schemaAt(kind, path) === undefined) findings.push(deletesNothing(path));
    } else if (typeof here === 'string') {
      if (here.includes('\0') || !here.isWellFormed()) findings.push(unusable(path));
    } else if (Array.isArray(here)) {
      for (const [i, item] of here.entries()) walk([...path, i], true, item);
    } else if (isTree(here)) {
      for (const [key, item] of Object.entries(here)) {
        if (key === '__proto__')
          findings.push({
            ...unusable([...path, key]),
            part: 'key',
            summary: `unknown key '${key}'`,
            hint: 'remove it',
          });
        else walk([...path, key], inList, item);
      }
    }
  };
  walk([], false, value);
  return findings;
}

function empty(path: Path): Finding {
  const hint =
    typeof path.at(-1) === 'number' ? 'write a value, or remove the item' : 'write a value, or remove the key';
  return { code: 'empty-value', path, part: 'key', summary: `${dotted(path)}: no value`, hint };
}

function deletesNothing(path: Path): Finding {
  const summary = `unknown key '${path.at(-1)}'`;
  return {
    code: 'unknown-key',
    path,
    part: 'key',
    summary,
    hint: 'null deletes a key, and there is none of this name',
  };
}

function unusable(path: Path): Finding {
  const summary = `${dotted(path)}: holds a character that no program can be given`;
  return { code: 'bad-value', path, part: 'value', summary, hint: 'remove the \\0 or the half surrogate' };
}
