import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { findGroup, findUser } from '../../host/users.ts';
import type { Service } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import type { Settings } from '../shared/settings.ts';
import { rawOf } from './raw-options.ts';

/**
 * What would make supervisord refuse a program's file, and with it its whole configuration, so that it could load nothing
 * and would not start again: a log folder that is not there, a user that is unknown (supervisor.datatypes:
 * existing_dirpath, name_to_uid). The folder of default logs is made.
 */
export async function judge(service: Service, settings: Settings, defaultLogs: string): Promise<Problem | undefined> {
  const bad = (field: string, because: string, hint: string): Problem => ({
    code: 'bad-definition',
    summary: `cannot use ${service.id}: ${because}, and supervisord would refuse its whole configuration for that`,
    file: service.file,
    field,
    hint: `${hint}; nothing was written`,
  });
  const { logs, user, group } = settings;
  for (const [field, path] of [
    ['logs.stdout', logs.stdout],
    ['logs.stderr', logs.stderr],
  ] as const) {
    const folder = dirname(path);
    if (folder === defaultLogs || statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    return bad(field, `log folder ${folder} does not exist`, `mkdir -p ${folder}`);
  }
  if (user !== undefined && (await findUser(user)) === undefined) {
    return bad('user', `there is no user '${user}'`, 'make it, or name another');
  }
  if (group !== undefined && (await findGroup(group)) === undefined) {
    return bad('user', `there is no group '${group}'`, 'make it, or name another');
  }
  for (const [i, [, key, value]] of rawOf(service.written).entries()) {
    if (key.toLowerCase() !== 'socket_owner') continue;
    const [owner = '', ownerGroup] = String(value).split(':');
    const field = `raw.supervisord.${i}`;
    if ((await findUser(owner)) === undefined) return bad(field, `there is no user '${owner}'`, 'name another');
    if (ownerGroup !== undefined && (await findGroup(ownerGroup)) === undefined)
      return bad(field, `there is no group '${ownerGroup}'`, 'name another');
  }
  return undefined;
}
