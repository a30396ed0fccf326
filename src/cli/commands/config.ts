import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { saidSettings } from '../../config-origins.ts';
import { isTree, type Tree } from '../../desired/layer.ts';
import { locate, treeOf } from '../../desired/position.ts';
import { saidFields } from '../../desired/said-fields.ts';
import { isProblem, readSource } from '../../desired/source.ts';
import { loadYaml } from '../../desired/yaml.ts';
import { loadDesired } from '../../engine.ts';
import { ruleOf } from '../../fields.ts';
import { expandGroups } from '../../groups.ts';
import type { Desired, Service } from '../../model.ts';
import { Failure } from '../../problem.ts';
import type { Said } from '../../said.ts';
import { FIELDS } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { configText, type Section, saidJson } from '../views/config.ts';
import { unknownName } from './known-names.ts';

/** `reconcile config [NAME…]`: what is in effect, of the tool itself and the policy or of services, and who says so. */
export async function configCommand(context: Context, options: Options): Promise<number> {
  const { config, out, style, width } = context;
  await loadYaml();
  const { names = [] } = options;
  if (names.length === 0) {
    const settings = await saidSettings(options, config);
    const policy = policyOf(config);
    if (options.json)
      out(`${JSON.stringify({ settings: saidJson(settings), policy: policy && saidJson(policy) }, null, 2)}\n`);
    else
      out(
        configText(
          [
            { title: 'reconcile', rows: settings },
            ...(policy === null ? [] : [{ title: 'policy.yaml', rows: policy }]),
          ],
          { style, width, folder: process.cwd() },
        ),
      );
    if (policy === null) context.note('policy.yaml can not be read: `reconcile validate` says why\n');
    return 0;
  }
  const desired = await loadDesired(config);
  const policy = policyOf(config) ?? [];
  const sections = servicesOf(desired, names).map((service): Section & { readonly service: Service } => ({
    ...{ service, title: titleOf(service, desired), rows: rowsOf(service, desired, policy) },
  }));
  if (!options.json) out(configText(sections, { style, width, folder: process.cwd() }));
  else
    out(
      `${JSON.stringify({ services: sections.map(({ service, rows }) => ({ service: service.id, fields: saidJson(rows) })) }, null, 2)}\n`,
    );
  return 0;
}

/** Null where it can't be read; that of a directory without one is all defaults. */
function policyOf({ desiredState }: Config): readonly Said[] | null {
  const source = readSource(desiredState, 'policy.yaml');
  if (isProblem(source))
    return existsSync(join(desiredState, 'policy.yaml')) ? null : saidFields('policy', {}, () => undefined);
  let written: unknown;
  try {
    written = treeOf(source) ?? {};
  } catch {
    return null;
  }
  return isTree(written) ? saidFields('policy', written, (path) => locate(source, path, 'value').position) : null;
}

/** Instances of one service are all as its file says: the first of them stands for the others, unless one is named. */
function servicesOf(desired: Desired, names: readonly string[]): readonly Service[] {
  const found = expandGroups(names, desired.services).map(
    (name) => desired.services.find((one) => one.id === name || one.name === name) ?? name,
  );
  const unknown = found.filter((one) => typeof one === 'string');
  const known = desired.services.flatMap(({ id, name }) => [id, name]);
  if (unknown.length > 0) throw new Failure(...unknown.map((name) => unknownName(name, 'show the fields of', known)));
  return [...new Map(found.flatMap((one) => (typeof one === 'string' ? [] : [[one.file, one] as const]))).values()];
}

function titleOf({ id, name, written, file }: Service, { quarantined }: Desired): string {
  const { instances } = written;
  const held = quarantined?.has(id) ? ', as it was before what Git says now was put back' : '';
  return `${name}  ${file}${instances === undefined ? '' : `, ${instances} instances`}${held}`;
}

function rowsOf(service: Service, desired: Desired, policy: readonly Said[]): readonly Said[] {
  const { written, supervisor } = service;
  const table = [...FIELDS].find(([name]) => name.split('/')[0] === supervisor.split('/')[0])?.[1] ?? {};
  return saidFields('service', written as unknown as Tree, (path) => desired.locate(service.id, path))
    .filter(({ field, from }) => from.kind === 'file' || isInEffect(field, written.unit !== undefined, table))
    .map((row) => withPolicy(row, policy))
    .map((row) => (row.field === 'autostart' ? { ...row, value: service.autostart } : row));
}

/** A unit of others has only what is written; what a supervisor can't do nobody does. */
function isInEffect(field: string, isUnit: boolean, table: Parameters<typeof ruleOf>[0]): boolean {
  if (isUnit) return ['state', 'autostart', 'changes', 'drift', 'mode', 'confirm'].includes(field);
  return ruleOf(table, field)?.by !== 'refused';
}

/** Where the default is the policy's, that is what is in effect. */
function withPolicy(row: Said, policy: readonly Said[]): Said {
  if (row.from.kind !== 'default' || !String(row.value).startsWith("the policy's")) return row;
  const [, named] = /`([^`]*)`/.exec(String(row.value)) ?? [];
  const of = policy.find(
    ({ field }) => field === (named ?? (row.field === 'onFailure' ? 'verify.onFailure' : row.field)),
  );
  if (of === undefined) return row;
  return {
    ...of,
    field: row.field,
    from: of.from.kind === 'default' ? { kind: 'default', why: "the policy's" } : of.from,
  };
}
