import { expect, it } from 'vitest';
import { keyOfThing, nameOfThing, type Thing } from '../../src/thing.ts';

it('a process and a line of a crontab are named without their secrets, and told apart by them', () => {
  const process = (secret: string): Thing => ({
    kind: 'process',
    command: ['feed', '--token', secret, '-v'],
    user: 'dolphin',
  });
  expect(nameOfThing(process('hunter2'))).toBe('`feed --token *** -v` of dolphin');
  const cron = (secret: string): Thing => ({
    kind: 'cron',
    line: `@reboot feed --password=${secret} https://u:${secret}@host/ `,
  });
  expect(nameOfThing(cron('hunter2'))).toBe('cron line `@reboot feed --password=*** https://u:***@host/`');
  for (const thing of [process, cron]) expect(keyOfThing(thing('one'))).not.toBe(keyOfThing(thing('two')));
});
