import { expect, it } from 'vitest';
import { settingsOf } from '../../../../src/supervisors/shared/settings.ts';
import { judge } from '../../../../src/supervisors/supervisord/judge.ts';
import { defined, raw, service } from './make.ts';

const judged = async (owner: string) => {
  const one = service(raw(['fcgi-program', 'socket', 'unix:///tmp/x.sock'], ['fcgi-program', 'socket_owner', owner]));
  const settings = settingsOf(one.id, defined(one).fields, '/var/log/reconciled');
  const problem = await judge(one, settings, '/var/log/reconciled');
  return problem === undefined ? undefined : `${problem.field}: ${problem.summary}`;
};

it.each(['root', '0', 'root:root', '0:0'])('takes a socket of %s', async (owner) => {
  expect(await judged(owner)).toBeUndefined();
});

it.each([
  ['no-such-user', "there is no user 'no-such-user'"],
  ['root:no-such-group', "there is no group 'no-such-group'"],
])('does not take a socket of %s, which supervisord would not either', async (owner, because) => {
  expect(await judged(owner)).toContain(`raw.supervisord.1: cannot use web: ${because}`);
});
