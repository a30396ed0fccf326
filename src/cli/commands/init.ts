import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { planInit, planSchemas, writeFirst } from '../../init/init.ts';
import { nextCommands } from '../../init/next.ts';
import type { Context, Options } from '../context.ts';
import { initJson, initText } from '../views/init.ts';

/** `reconcile init [DIR]`: a first desired state; with `--schemas` only the schemas beside one. Replaces nothing. */
export async function initCommand({ out, note, style }: Context, options: Options): Promise<number> {
  const given = resolve(options.folder ?? '.');
  const folder = existsSync(given) ? realpathSync(given) : given;
  const only = options.schemas === true;
  const files = only ? planSchemas(folder) : planInit(folder);
  const todo = files.some(({ what }) => what === 'written' || what === 'renewed');
  const done = options.dryRun !== true;
  if (done) writeFirst(folder, files);
  const next = only || !done ? [] : nextCommands(folder, process.cwd(), process.env);
  const begun = { folder, done, files, next };
  out(options.json ? `${JSON.stringify(initJson(begun), null, 2)}\n` : initText(begun, style));
  const elsewhere = process.env.RECONCILE_DESIRED_STATE;
  if (next.length > 0 && elsewhere)
    note(`RECONCILE_DESIRED_STATE is set, to ${elsewhere}, and wins: unset it for these commands.\n`);
  return todo && !done ? 2 : 0;
}
