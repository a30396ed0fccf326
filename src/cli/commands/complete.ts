import type { Command } from 'commander';
import { readConfig } from '../../config.ts';
import { readLastGood } from '../../decisions.ts';
import { knownFields, wordsOf } from '../../desired/said-fields.ts';
import { loadDesired } from '../../engine.ts';
import type { Desired } from '../../model.ts';
import { Failure } from '../../problem.ts';
import { forBash, shellWords } from '../completion/shell-words.ts';
import { type Candidate, type Completion, completionOf } from '../completion/wanted.ts';
import type { Options } from '../context.ts';

/**
 * The hidden `reconcile complete SHELL -- …`: what could stand where the cursor is, a line each, what it means behind a tab.
 * bash gives its line up to there and at which signs it breaks words, the others the words after the program's own. Says nothing of what goes wrong.
 */
export async function completeText(top: Command, shell: string, given: readonly string[]): Promise<string> {
  const line = shell === 'bash' ? shellWords(given[0] ?? '') : undefined;
  const completion = completionOf(top, line === undefined ? given : line.words.slice(1));
  const { wanted, partial, head } = completion;
  if (wanted.kind === 'files' || wanted.kind === 'folders') return `:${wanted.kind}\n`;
  const all = await candidatesOf(completion);
  const fitting = all.filter(([word]) => word.startsWith(partial));
  const words = fitting.map(([word]) => head + word);
  const lines =
    line === undefined ? words.map((word, i) => `${word}\t${fitting[i]?.[1] ?? ''}`) : forBash(words, line, given[1]);
  return lines.map((text) => `${text}\n`).join('');
}

async function candidatesOf(completion: Completion): Promise<readonly Candidate[]> {
  const { wanted, partial, options } = completion;
  switch (wanted.kind) {
    case 'words':
      return wanted.words;
    case 'names':
      return names(completion);
    case 'fields':
      return fields((await desiredOf(options))?.services ?? [], partial, wanted.set);
    default:
      return [];
  }
}

/** Part by part: a service (or `policy`), a field, and what it can be set to. */
function fields(services: Desired['services'], partial: string, set: boolean): readonly Candidate[] {
  const all = [...new Set([...services.map(({ name }) => name), 'policy'])];
  const name = all.find((one) => partial.startsWith(`${one}.`));
  if (name === undefined) return all.map((one): Candidate => [`${one}.`, '']);
  const kind = name === 'policy' ? 'policy' : 'service';
  const [, head, field] = /^((.*?)[+-]?=)/.exec(partial.slice(name.length + 1)) ?? [];
  if (head !== undefined) return wordsOf(kind, field ?? '').map((word): Candidate => [`${name}.${head}${word}`, '']);
  return knownFields(kind).map((one): Candidate => [`${name}.${one}${set && !one.endsWith('.') ? '=' : ''}`, '']);
}

/** Services, their instances, and groups; what was last good where it is invalid now. */
async function names({ options }: Completion): Promise<readonly Candidate[]> {
  const desired = await desiredOf(options);
  if (desired === undefined) return [];
  const { services } = desired;
  const candidates = new Map<string, string>();
  for (const { id, name, written } of services) {
    const { description = '' } = written;
    candidates.set(name, oneLine(description));
    if (id !== name) candidates.set(id, `instance of ${name}`);
  }
  for (const [group, members] of Map.groupBy(services, (service) => service.group ?? ''))
    if (group !== '' && !candidates.has(group)) candidates.set(group, `group of ${members.length}`);
  return [...candidates];
}

async function desiredOf(options: Options): Promise<Desired | undefined> {
  try {
    const config = await readConfig(options);
    try {
      return await loadDesired(config);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return readLastGood(config.stateDir, config.desiredState);
    }
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function oneLine(text: string): string {
  return text.split('\n', 1)[0]?.replaceAll('\t', ' ').slice(0, 60) ?? '';
}
