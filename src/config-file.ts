import { cosmiconfig } from 'cosmiconfig';
import * as z from 'zod/mini';
import { closest } from './closest.ts';
import { Failure, type Problem, why } from './problem.ts';
import type { WrittenFile } from './settings.ts';

const text = z.string().check(z.minLength(1));
const ToolConfig = z.strictObject({
  desiredState: z.optional(text),
  runtimeDir: z.optional(text),
  stateDir: z.optional(text),
  logDir: z.optional(text),
  host: z.optional(text),
  git: z.optional(
    z.strictObject({
      url: text,
      ref: z.optional(text),
      path: z.optional(text),
      poll: z.optional(text),
      sshKey: z.optional(text),
      knownHosts: z.optional(text),
      tokenFile: z.optional(text),
      credentialHelper: z.optional(text),
    }),
  ),
  trust: z.optional(z.strictObject({ signedBy: text })),
  readGroup: z.optional(text),
  watch: z.optional(z.strictObject({ poll: z.optional(text) })),
});
const KEYS = Object.keys(ToolConfig.shape);

/** Reads one `reconcile.config.*` file by its path. Fails with every problem in it. */
export async function readToolConfig(path: string): Promise<WrittenFile> {
  let content: unknown;
  try {
    content = (await cosmiconfig('reconcile').load(path))?.config;
  } catch (error) {
    throw new Failure({ code: 'config-unreadable', summary: `cannot read ${path}: ${why(error)}`, file: path });
  }
  const parsed = ToolConfig.safeParse(content ?? {});
  if (parsed.success) return parsed.data;
  throw new Failure(...parsed.error.issues.flatMap((issue) => problemsOf(issue, path)));
}

function problemsOf(issue: z.core.$ZodIssue, file: string): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = closest(key, KEYS);
      const hint = near === undefined ? `known are ${KEYS.join(', ')}` : `did you mean '${near}'?`;
      return { code: 'unknown-key', summary: `${file}: unknown key '${key}'`, hint };
    });
  }
  const key = issue.path.join('.');
  if (key === '')
    return [
      { code: 'config-type', summary: `${file}: must be a map of settings`, hint: `known are ${KEYS.join(', ')}` },
    ];
  return [{ code: 'config-type', summary: `${file}: '${key}' must be a text that is not empty` }];
}
