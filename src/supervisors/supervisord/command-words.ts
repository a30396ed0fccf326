/**
 * A command as supervisord takes it apart when it starts it (Python's shlex.split): at blanks, but for quotes. Undefined
 * where a quote is never closed, or nothing stands behind the last backslash: it could never start that.
 */
export function commandWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === quote) {
      quote = '';
    } else if (char === '\\' && quote !== "'") {
      at += 1;
      if (at === text.length) return undefined;
      const next = text.charAt(at);
      // Within double quotes it is one of its own before all but these.
      word = (word ?? '') + (quote !== '' && next !== '\\' && next !== quote ? `\\${next}` : next);
    } else if (quote !== '') {
      word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (' \t\r\n'.includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return undefined;
  return word === undefined ? words : [...words, word];
}
