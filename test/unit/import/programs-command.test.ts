import { expect, it } from 'vitest';
import { commandOf } from '../../../src/import/programs-command.ts';

const none = () => false;

it('is as it is where nothing of it is secret', () => {
  const argv = ['/bin/x', '--user=me', 'a b'];
  expect(commandOf(argv, {}, {}, none)).toEqual({ command: argv, secrets: {} });
});

it.each([
  ['--auth-file', '/etc/x'],
  ['--auth=on', '-rfbauth'],
  ['-rfbauth', '/root/.vnc/passwd'],
  ['--token-ttl', '5m'],
])('leaves %s %s, which is no secret', (...args) => {
  expect(commandOf(['/bin/x', ...args], {}, {}, none).command).toEqual(['/bin/x', ...args]);
});

it('has its secrets from variables', () => {
  const argv = ['/bin/x', '--password=a"b', '--api-token', "it's", 'http://u:pw@h/', 'a b', '$HOME'];
  const { command, secrets } = commandOf(argv, {}, { PASSWORD: 'another' }, none);
  expect(command).toEqual([
    '/bin/sh',
    '-c',
    `exec /bin/x --password="$PASSWORD_2" --api-token "$API_TOKEN" "$ARGUMENT_4" 'a b' '$HOME'`,
  ]);
  expect(secrets).toEqual({ PASSWORD_2: 'a"b', API_TOKEN: "it's", ARGUMENT_4: 'http://u:pw@h/' });
});

it('takes the variable that is there', () => {
  const { command, secrets } = commandOf(
    ['/bin/x', 'hush-hush'],
    { KEY: 'hush-hush' },
    {},
    (text) => text === 'hush-hush',
  );
  expect(command).toEqual(['/bin/sh', '-c', 'exec /bin/x "$KEY"']);
  expect(secrets).toEqual({});
});

it('leaves what no environment file can hold', () => {
  const argv = ['/bin/x', '--password=a\nb'];
  expect(commandOf(argv, {}, {}, none).command).toEqual(argv);
});
