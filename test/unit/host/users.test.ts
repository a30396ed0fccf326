import { expect, it } from 'vitest';
import { findGroup, findUser, self, userText } from '../../../src/host/users.ts';

it('a user is found by name and by number, with what the host knows of it', async () => {
  const root = { name: 'root', uid: 0, gid: 0, home: '/root', shell: expect.any(String) };
  expect(await findUser('root')).toEqual(root);
  expect(await findUser('0')).toEqual(root);
});

it('a group is found by name and by number', async () => {
  expect(await findGroup('root')).toEqual({ name: 'root', gid: 0 });
  expect(await findGroup('0')).toEqual({ name: 'root', gid: 0 });
});

it('what does not exist is nothing, and no error', async () => {
  expect(await findUser('no-such-user')).toBeUndefined();
  expect(await findGroup('no-such-group')).toBeUndefined();
  expect(await findUser('-1')).toBeUndefined();
  expect(await findGroup('--help')).toBeUndefined();
});

it('a user without a name is told by its number', async () => {
  expect(await userText(0)).toBe('root');
  expect(await userText(4_000_000_000)).toBe('uid 4000000000');
});

it('the user of this process is known', () => {
  expect(self()).toMatchObject({ uid: process.getuid?.(), name: expect.any(String), home: expect.any(String) });
});
