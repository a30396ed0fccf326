/**
 * The variables of a line `A="1",B=2`, as supervisord takes it apart (supervisor.datatypes: dict_of_key_value_pairs); undefined
 * where it refuses it. It looks at every fourth word for a name, so that whatever stands for the comma is lost without a word.
 */
export function pairsOf(text: string): Readonly<Record<string, string>> | undefined {
  const all = tokens(text);
  if (all === undefined) return undefined;
  const pairs: Record<string, string> = {};
  for (let i = 0; i < all.length; i += 4) {
    const [name, equals, value] = all.slice(i, i + 3);
    if (name === undefined || value === undefined || equals !== '=') return undefined;
    // Not by assignment: a variable may be called __proto__.
    Object.defineProperty(pairs, name, { value: value.replace(/^['"]+|['"]+$/g, ''), ...PLAIN });
  }
  return pairs;
}

const PLAIN = { enumerable: true, writable: true, configurable: true };

const WORD = /[A-Za-z0-9_/.+\-():]/;
const SPACE = ' \t\r\n';

/** Python's shlex.shlex(text) with its wordchars and `/.+-():`; undefined where a quote is never closed. */
function tokens(text: string): string[] | undefined {
  const characters = [...text];
  const all: string[] = [];
  let at = 0;
  const skipLine = () => {
    while (at < characters.length && characters[at] !== '\n') at += 1;
    at += 1;
  };
  while (at < characters.length) {
    const first = characters[at] ?? '';
    at += 1;
    if (SPACE.includes(first)) continue;
    if (first === '#') {
      skipLine();
    } else if (first === '"' || first === "'") {
      const end = characters.indexOf(first, at);
      if (end === -1) return undefined;
      all.push(characters.slice(at - 1, end + 1).join(''));
      at = end + 1;
    } else if (WORD.test(first)) {
      let word = first;
      // A comment within a word takes the rest of its line, and the word goes on in the next.
      for (let next = characters[at]; next !== undefined; next = characters[at]) {
        if (next === '#') {
          skipLine();
          continue;
        }
        if (!WORD.test(next) && next !== '"' && next !== "'") break;
        word += next;
        at += 1;
      }
      all.push(word);
    } else all.push(first);
  }
  return all;
}
