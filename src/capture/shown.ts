import { maskSecrets } from '../desired/mask.ts';
import { OPTIONS, yaml } from '../desired/yaml.ts';
import type { FileChange } from '../model.ts';
import { maskLine } from '../secrets.ts';
import type { Change } from './make.ts';

/** A change as it may be shown: what is secret in the lines around it is masked. The YAML parser has to be loaded. */
export function shownChange({ path, from, to }: Change): FileChange {
  return { path, ...(from === undefined ? {} : { from: masked(from) }), to: masked(to) };
}

function masked(text: string): string {
  const document = yaml().parseDocument(text, OPTIONS);
  let at = 0;
  return text
    .split('\n')
    .map((line) => {
      const from = at;
      at += line.length + 1;
      return maskLine(maskSecrets(document, line, from));
    })
    .join('\n');
}
