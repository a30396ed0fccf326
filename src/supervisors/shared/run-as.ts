import type { RunAs } from '../../health/health.ts';
import { findUser } from '../../host/users.ts';
import type { ServiceId } from '../../model.ts';
import { environmentOf, ofInstance } from './environment.ts';
import { switchUser } from './programs.ts';
import type { Settings } from './settings.ts';

/** How a command of a service's own is run: as its user, in its folder, with its environment. Fails where that can't be. */
export async function runAs(id: ServiceId, settings: Settings): Promise<RunAs> {
  const { user, group, directory } = settings;
  const found = user === undefined ? undefined : await findUser(user);
  if (user !== undefined && found === undefined) throw new Error(`there is no user '${user}'`);
  return {
    prefix: switchUser(found && { user: found, group }),
    environment: ofInstance(id, environmentOf(settings, found)),
    directory,
  };
}
