/** What a commit says of itself. */
export interface Commit {
  readonly commit: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly subject: string;
  /** The name alone. */
  readonly author: string;
  /** When it was committed (ms since the epoch). */
  readonly at: number;
}

/** Reads the text of a commit; undefined where it is none. Control characters are nobody's to send to a terminal. */
export function parseCommit(commit: string, text: string): Commit | undefined {
  const end = text.indexOf('\n\n');
  const head = (end === -1 ? text : text.slice(0, end)).split('\n');
  const values = (key: string) =>
    head.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const [tree] = values('tree');
  if (tree === undefined || !/^[0-9a-f]{40,64}$/.test(tree)) return undefined;
  const who = (key: string) => /^(.*?) ?<[^>]*> (\d+)/.exec(values(key)[0] ?? '');
  const body = end === -1 ? '' : text.slice(end + 2);
  return {
    commit,
    tree,
    parents: values('parent'),
    subject: plain(body.trimStart().split('\n', 1)[0] ?? ''),
    author: plain(who('author')?.[1] ?? ''),
    at: Number(who('committer')?.[2] ?? 0) * 1000,
  };
}

function plain(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').trim();
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}
