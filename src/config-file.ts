import { cosmiconfig } from 'cosmiconfig';
import * as z from 'zod/mini';
import { closest } from './closest.ts';
import { Failure, type Problem, why } from './problem.ts';
import type { WrittenFile } from './settings.ts';

const text = z.string().check(z.minLength(1));
const Git = z.strictObject({
  url: text,
  ref: z.optional(text),
  path: z.optional(text),
  poll: z.optional(text),
  sshKey: z.optional(text),
  knownHosts: z.optional(text),
  tokenFile: z.optional(text),
  credentialHelper: z.optional(text),
});
const Trust = z.strictObject({ signedBy: text });
const Watch = z.strictObject({ poll: z.optional(text) });
const ToolConfig = z.strictObject({
  desiredState: z.optional(text),
  runtimeDir: z.optional(text),
  stateDir: z.optional(text),
  logDir: z.optional(text),
  host: z.optional(text),
  git: z.optional(Git),
  trust: z.optional(Trust),
  readGroup: z.optional(text),
  watch: z.optional(Watch),
});
const KEYS = Object.keys(ToolConfig.shape);
/** The keys of what is a map itself. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  git: Object.keys(Git.shape),
  trust: Object.keys(Trust.shape),
  watch: Object.keys(Watch.shape),
};

/** Reads one `reconcile.config.*` file by its path. Fails with every problem in it. */
export async function readToolConfig(path: string): Promise<WrittenFile> {
  let content: unknown;
  try {
    content = (await cosmiconfig('reconcile').load(path))?.config;
  } catch (error) {
    throw new Failure({ code: 'config-unreadable', summary: `cannot read ${path}: ${why(error)}` });
  }
  const parsed = ToolConfig.safeParse(content ?? {});
  if (parsed.success) return parsed.data;
  throw new Failure(...parsed.error.issues.flatMap((issue) => problemsOf(issue, path)));
}

function problemsOf(issue: z.core.$ZodIssue, file: string): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const [parent] = issue.path.map(String);
    const known = parent === undefined ? KEYS : (BELOW[parent] ?? []);
    return issue.keys.map((key) => {
      const near = closest(key, known);
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean '${near}'?`;
      return { code: 'unknown-key', summary: `${file}: unknown key '${[...issue.path, key].join('.')}'`, hint };
    });
  }
  const key = issue.path.join('.');
  if (key === '')
    return [
      { code: 'config-type', summary: `${file}: must be a map of settings`, hint: `known are ${KEYS.join(', ')}` },
    ];
  const keys = BELOW[key];
  return [
    keys === undefined
      ? { code: 'config-type', summary: `${file}: '${key}' must be a text that is not empty` }
      : { code: 'config-type', summary: `${file}: '${key}' must be a map`, hint: `known are ${keys.join(', ')}` },
  ];
}
