import { userInfo } from 'node:os';

/** Who runs this, for the history: the user, and whose password let him be that. */
export function whoAsks(): string {
  let name: string;
  try {
    name = userInfo().username;
  } catch {
    // A user that the host has no name for.
    name = `uid ${process.getuid?.()}`;
  }
  const { SUDO_USER } = process.env;
  return SUDO_USER === undefined || SUDO_USER === '' || SUDO_USER === name ? name : `${name} (sudo by ${SUDO_USER})`;
}

interface Asked {
  readonly by?: string | undefined;
  readonly only: readonly string[];
  readonly asked: readonly string[];
  /** What waited for an approval. */
  readonly approve?: string | undefined;
  readonly back?: { readonly commit?: string | undefined } | undefined;
  readonly retry?: boolean | undefined;
  readonly stop?: { readonly names: readonly string[] } | undefined;
  readonly restart?: readonly string[] | undefined;
  readonly release?: readonly string[] | undefined;
}

/** What a person asked for, in a few words. */
export function askedText({ by = 'somebody', only, asked, back, retry, approve, ...more }: Asked): string {
  const { stop, restart, release } = more;
  if (stop !== undefined) return `${by} asked to stop ${listText(stop.names)}`;
  if (restart !== undefined) return `${by} asked to restart ${listText(restart)}`;
  if (release !== undefined) return `${by} released ${listText(release)}`;
  if (back !== undefined) return `${by} went back to ${back.commit ?? 'the commit before'}`;
  if (retry) return `${by} asked to try again what is quarantined`;
  if (approve !== undefined) return `${by} approved ${approve}`;
  if (asked.length > 0) return `${by} asked to start ${listText(asked)}`;
  return only.length > 0 ? `${by} asked to apply ${listText(only)}` : `${by} asked to apply`;
}

/** So many are named of those that one thing is asked for. */
const NAMED = 5;

function listText(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
