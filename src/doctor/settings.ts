import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { unknownVariables } from '../config.ts';
import { localPath } from '../git/remote.ts';
import { findGroup } from '../host/users.ts';
import type { GitSettings } from '../settings.ts';
import { bad, type Finding, ok, warning } from './finding.ts';
import type { Check, Means } from './means.ts';

const FILES = ['reconcile.config.yaml', 'reconcile.config.yml', 'reconcile.config.json'];

/** The tool's own settings: read, known, and of use. */
export const settings: Check = {
  topic: 'settings',
  look: async (means) => {
    const found = [
      ...unreadable(means),
      ...unknown(means.environment),
      ...filesBeside(process.cwd()),
      ...unused(means),
      ...(await groupFindings(means)),
    ];
    return found.some(({ grade }) => grade !== 'ok') ? found : [ok('settings', 'every setting is known, and of use')];
  },
};

function unreadable({ unreadable }: Means): readonly Finding[] {
  return unreadable.map(({ summary, hint, at }) =>
    bad('configuration', summary, {
      evidence: ['the defaults are looked at in its place', ...(at === undefined ? [] : [`${at.file}:${at.line}`])],
      ...(hint === undefined ? {} : { hint }),
    }),
  );
}

function unknown(environment: NodeJS.ProcessEnv): readonly Finding[] {
  return unknownVariables(environment).map(({ summary, hint }) =>
    warning('unknown-variable', summary, {
      ...(hint === undefined ? {} : { hint }),
      mend: [`unset ${summary.split(' ')[2]}`],
    }),
  );
}

/** Only the first counts. */
export function filesBeside(folder: string): readonly Finding[] {
  const [first, ...others] = FILES.filter((name) => existsSync(join(folder, name)));
  return others.map((name) =>
    warning('unused-file', `${name} is not read: ${first} is there too`, {
      evidence: [join(folder, name)],
      mend: [`rm ${name}`],
    }),
  );
}

/** Settings that are written, and that nothing here can make a difference by. */
function unused({ config }: Means): readonly Finding[] {
  const { git, watch, desiredState } = config;
  const found = git === undefined ? [] : unusedOf(git);
  if (git !== undefined && watch?.poll !== undefined)
    found.push(['watch.poll', 'files are watched where the desired state is a directory, and it is a repository']);
  return found.map(([name, because]) =>
    warning('unused-setting', `${name} has no effect: ${because}`, { evidence: [desiredState] }),
  );
}

function unusedOf({ url, sshKey, knownHosts, tokenFile, credentialHelper }: GitSettings): [string, string][] {
  const isWeb = /^https?:/i.test(url);
  const isLocal = localPath(url) !== undefined;
  const isSsh = !isWeb && !isLocal && !/^git:/i.test(url);
  const way = isLocal ? 'the repository is on this host' : isWeb ? 'it is fetched by https' : 'it is fetched by ssh';
  const of = (name: string, value: unknown, used: boolean): [string, string][] =>
    value === undefined || used ? [] : [[`git.${name}`, way]];
  return [
    ...of('sshKey', sshKey, isSsh),
    ...of('knownHosts', knownHosts, isSsh),
    ...of('tokenFile', tokenFile, isWeb),
    ...of('credentialHelper', credentialHelper, isWeb),
  ];
}

async function groupFindings({ config: { readGroup } }: Means): Promise<readonly Finding[]> {
  if (readGroup === undefined || (await findGroup(readGroup)) !== undefined) return [];
  return [
    bad('read-group', `readGroup: there is no group '${readGroup}'`, {
      hint: 'or take it out of the configuration',
      mend: [`groupadd --system ${readGroup}`],
    }),
  ];
}
