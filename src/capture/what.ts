import type { Json } from '../canonical.ts';
import type { Actual, Boot, Definition, Service } from '../model.ts';
import { alive, waits } from '../planner/draft.ts';
import type { Problem } from '../problem.ts';
import { candidatesOf, type FileLine, linesBeyond, linesIn, type Wanted } from './lines.ts';
import { type Edit, editTree } from './tree.ts';

/** What of a service is otherwise than Git says and can be written there, and what can't. */
export interface Captured {
  readonly edits: readonly Edit[];
  /** In words. */
  readonly left: readonly string[];
}

/** How a service with other fields would be defined. */
export type Define = (service: Service) => Definition | readonly Problem[];

export function capture(
  service: Service,
  actual: Actual | undefined,
  definition: Definition | undefined,
  define: Define,
): Captured {
  if (actual === undefined)
    return { edits: [], left: ['it is not there: what is gone can be written as `state: absent`'] };
  const state = stateOf(service, actual, definition?.boot);
  const after = withEdits(service, state.edits);
  const files = definition === undefined ? NOTHING : filesOf(after, actual, define);
  return { edits: [...state.edits, ...files.edits], left: [...state.left, ...files.left] };
}

const NOTHING: Captured = { edits: [], left: [] };

/** Whether it runs, and whether it starts at boot. */
function stateOf(service: Service, { run, definition }: Actual, wanted: Boot | undefined): Captured {
  const { state, written } = service;
  const boot = definition.boot === 'fixed' ? undefined : definition.boot;
  const set = (path: string, value: Json): Edit => ({ kind: 'set', path: [path], value });
  const noAutostart: Edit[] = written.autostart === undefined ? [] : [{ kind: 'remove', path: ['autostart'] }];
  const up = alive(run) || waits(run);
  if (state === 'manual' || state === 'absent') return NOTHING;
  if (!up && boot === 'blocked')
    return state === 'disabled' ? NOTHING : { edits: [set('state', 'disabled'), ...noAutostart], left: [] };
  if (state === 'running' && (run.kind === 'stopped' || run.kind === 'stopping')) {
    const left = boot === 'enabled' ? ['it starts at boot: `state: stopped` does not'] : [];
    return { edits: [set('state', 'stopped'), ...noAutostart], left };
  }
  if (state !== 'running' && up) {
    const edits = boot === 'disabled' ? [set('autostart', false)] : [];
    return { edits: [set('state', 'running'), ...edits], left: [] };
  }
  if (state === 'running' && boot !== undefined && wanted !== undefined && boot !== wanted && boot !== 'blocked')
    return { edits: [set('autostart', boot === 'enabled')], left: [] };
  if (boot === 'blocked' && up) return { edits: [], left: ['it runs, and nobody can start it again (masked)'] };
  return NOTHING;
}

/** What was edited in its files: each line for which a field, or a line of `raw`, gives exactly that line. */
function filesOf(service: Service, actual: Actual, define: Define): Captured {
  const there = actual.definition.files ?? [];
  const edits: Wanted[] = [];
  const left: string[] = [];
  for (const { path, text } of there) {
    const host = linesIn(text);
    const rendered = (of: Service): readonly FileLine[] | undefined => {
      const made = define(of);
      const file = 'files' in made ? made.files?.find((one) => one.path === path) : undefined;
      return file === undefined ? undefined : linesIn(file.text);
    };
    const differ = (lines: readonly FileLine[]) => linesBeyond(host, lines).length + linesBeyond(lines, host).length;
    let now = service;
    let lines = rendered(now);
    if (lines === undefined) continue;
    for (const line of linesBeyond(host, lines)) {
      const before = lines;
      const found = candidatesOf(line, service.supervisor).find((candidate) => {
        const made = rendered(withEdits(now, [candidate]));
        return made !== undefined && differ(made) < differ(before) && linesBeyond([line], made).length === 0;
      });
      if (found === undefined) continue;
      now = withEdits(now, [found]);
      lines = rendered(now) ?? lines;
      edits.push(found);
    }
    for (const { key, value } of linesBeyond(host, lines))
      left.push(`${path}: ${key}=${value}: no field gives this line`);
    for (const { key, value } of linesBeyond(lines, host))
      left.push(`${path}: ${key}=${value}: was taken out, which no field says`);
  }
  return { edits, left };
}

/** As if that was written. */
export function withEdits(service: Service, edits: readonly Edit[]): Service {
  const tree = structuredClone(service.written) as unknown as { [key: string]: unknown };
  for (const edit of edits) editTree(tree, edit);
  const written = tree as unknown as Service['written'];
  const { state = 'running', autostart = state === 'running' } = written;
  return { ...service, state, autostart, written };
}
