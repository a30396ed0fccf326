import { join } from 'node:path';
import type { GitSettings, Settings } from '../settings.ts';
import { folderOf } from './settings.ts';

/** What says where a desired state comes from: a part of the configuration. All paths absolute. */
export interface Place extends Pick<Settings, 'git' | 'trust'> {
  readonly desiredState: string;
  readonly stateDir: string;
}

/** A repository that commits are fetched from, and the folder of all that is kept of it here. */
export interface Remote extends GitSettings {
  readonly folder: string;
  /** Its owner, where that is another user of this host than we are: what reads it runs as him. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export const mirrorOf = ({ folder }: Pick<Remote, 'folder'>) => join(folder, 'mirror.git');
export const treesOf = ({ folder }: Pick<Remote, 'folder'>) => join(folder, 'trees');
/** The ref of the mirror that holds what was fetched last, whatever it is called there. */
export const FETCHED = 'refs/reconciled/fetched';

/** A repository as a remote; `settings.url` may be a path. */
export function remoteOf(stateDir: string, settings: GitSettings, owner?: Remote['owner']): Remote {
  return { ...settings, folder: folderOf(stateDir, settings), ...(owner === undefined ? {} : { owner }) };
}

/** The path of a repository on this host; undefined where it is elsewhere. */
export function localPath(url: string): string | undefined {
  if (url.startsWith('/')) return url;
  if (!url.startsWith('file://')) return undefined;
  return decodeURIComponent(url.slice('file://'.length).replace(/^[^/]*/, ''));
}

/** A URL without what is secret in it, and that: git would show it to everybody in the arguments of its helpers. */
export function splitUrl(url: string): { readonly url: string; readonly user?: string; readonly password?: string } {
  const match = /^(https?:\/\/)([^/@]*)@(.*)$/i.exec(url);
  if (match === null) return { url };
  const [, scheme = '', account = '', rest = ''] = match;
  const colon = account.indexOf(':');
  const user = decodeURIComponent(colon === -1 ? account : account.slice(0, colon));
  const password = colon === -1 ? undefined : decodeURIComponent(account.slice(colon + 1));
  return { url: `${scheme}${rest}`, user, ...(password === undefined ? {} : { password }) };
}
