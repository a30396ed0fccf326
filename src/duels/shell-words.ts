/**
 * A text for a shell as commands, each as its words: enough to see which programs it names, not to run it. Quotes are taken
 * off; what only the shell knows (`$NAME`, globs) is left as written. Pure.
 */
export function wordsOf(text: string): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = () => {
    if (word !== undefined && !(words.length === 0 && KEYWORDS.has(word))) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i] ?? '';
    if (c === '\\') {
      i += 1;
      if (text[i] !== '\n') word = (word ?? '') + (text[i] ?? '');
    } else if (c === "'" || c === '"') {
      const end = closing(text, i, c);
      word = (word ?? '') + text.slice(i + 1, end);
      i = end;
    } else if (c === '#' && word === undefined) {
      while (i + 1 < text.length && text[i + 1] !== '\n') i += 1;
    } else if (';&|\n(){}`'.includes(c)) endCommand();
    else if (' \t\r'.includes(c)) endWord();
    else if (c === '>' || c === '<') {
      // A number right before it is a descriptor, what comes next a file: neither is an argument.
      if (word !== undefined && !/^\d+$/.test(word)) endWord();
      word = undefined;
      i = behindRedirection(text, i);
    } else word = (word ?? '') + c;
  }
  endCommand();
  return commands;
}

const KEYWORDS = new Set(['if', 'then', 'else', 'elif', 'fi', 'while', 'until', 'do', 'done', '!', 'time', 'exec']);

function closing(text: string, from: number, quote: string): number {
  for (let i = from + 1; i < text.length; i += 1) {
    if (text[i] === '\\' && quote === '"') i += 1;
    else if (text[i] === quote) return i;
  }
  return text.length;
}

/** The last character of the redirection that begins here. */
function behindRedirection(text: string, from: number): number {
  const [all = ''] = /^[<>&|-]*[ \t]*[^\s;&|()]*/.exec(text.slice(from)) ?? [];
  return from + Math.max(1, all.length) - 1;
}
