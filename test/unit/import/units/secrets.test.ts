import { expect, it } from 'vitest';
import { importUnitText } from '../../../../src/import/unit.ts';
import { hideSecrets } from '../../../../src/import/units/secrets.ts';
import { readUnitText } from '../../../../src/import/units/text.ts';

function hidden(...commands: readonly string[]) {
  const { lines } = readUnitText('a', `[Service]\n${commands.map((command) => `ExecStart=${command}\n`).join('')}`);
  const { lines: now, secrets } = hideSecrets(lines);
  return { commands: now.map(({ value }) => value), secrets };
}

/** As systemd has it filled in. */
const from = (name: string) => `$\{IMPORTED_${name}}`.replace('\\', '');

it('takes arguments that look secret from variables', () => {
  const first = "/bin/a --password=hush -x 'b c' --token hush2 url=http://u:p@h/ --password=hush";
  expect(hidden(`${first} ; /bin/b --secret=%%$$`)).toEqual({
    commands: [
      `/bin/a "--password=${from('PASSWORD')}" -x 'b c' --token "${from('TOKEN')}" "url=${from('URL')}" "--password=${from('PASSWORD')}" ; /bin/b "--secret=${from('SECRET')}"`,
    ],
    secrets: {
      IMPORTED_PASSWORD: 'hush',
      IMPORTED_TOKEN: 'hush2',
      IMPORTED_URL: 'http://u:p@h/',
      IMPORTED_SECRET: '%$',
    },
  });
  expect(hidden('/bin/a --token=one', '-/bin/b --token=two').commands).toEqual([
    `/bin/a "--token=${from('TOKEN')}"`,
    `-/bin/b "--token=${from('TOKEN_2')}"`,
  ]);
});

it('leaves what is none, what only systemd can tell, and where it puts no variables', () => {
  const all = [
    '/bin/a --password=$PASS',
    '/bin/a --token=%d/x',
    '/bin/a --auth-file /etc/x --auth=on --token-ttl 5m',
    ':/bin/a --token=hush',
    '/bin/a "--token=',
    '/bin/a  b',
  ];
  expect(hidden(...all)).toEqual({ commands: all, secrets: {} });
});

it('shows none of them, and of no variable either', () => {
  const lines = ['ExecStart=/bin/a --token=hush', 'Environment=A_TOKEN=hush URL=db://u:hush@h', 'SyslogIdentifier=x'];
  const found = importUnitText('web.service', `[Service]\n${lines.join('\n')}\nExecReload=/bin/b --password hush\n`);
  expect(found).toMatchObject({
    secrets: { A_TOKEN: 'hush', URL: 'db://u:hush@h', IMPORTED_TOKEN: 'hush' },
  });
  expect(JSON.stringify({ ...found, secrets: {} })).not.toContain('hush');
});

it('what looks like a secret in a description is left out, and told masked', () => {
  const text = '[Unit]\nDescription=Feed \\\n DB_PASSWORD=hunter2\n[Service]\nExecStart=/bin/x\n';
  const found = importUnitText('web.service', text, { manager: 'system' });
  expect(JSON.stringify(found)).not.toContain('hunter2');
  expect(found).toMatchObject({
    losses: [{ key: '[Unit] Description', why: 'it has what looks like a secret, which does not belong in Git' }],
  });
});
