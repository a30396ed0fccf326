import fc from 'fast-check';
import { expect, it } from 'vitest';
import { maskField, maskFile } from '../../src/secrets.ts';

const shown = (text: string) => maskFile({ path: '/x', to: text }).to;

it.each([
  ['Environment="DB_PASSWORD=a \\"b\\" c" "TZ=UTC"', 'Environment="DB_PASSWORD=***" "TZ=UTC"'],
  ['Environment=API_TOKEN=abc', 'Environment=API_TOKEN=***'],
  ['ExecStart="/bin/x" "--password" "y" "--token=z" "-v"', 'ExecStart="/bin/x" "--password" "***" "--token=***" "-v"'],
  ['command=/bin/x --password y', 'command=/bin/x --password ***'],
  ['ExecStart="/bin/x" "https://u:secret@host/?api_key=1"', 'ExecStart="/bin/x" "https://u:***@host/?api_key=***"'],
  ['Description=nothing to hide', 'Description=nothing to hide'],
  ['# a comment', '# a comment'],
])('in a file of the host, %j is shown as %j', (line, masked) => {
  expect(shown(`[Service]\n${line}\n`)).toBe(`[Service]\n${masked}\n`);
});

it('our own lines of a file are not shown: they hold all fields', () => {
  expect(shown('[Unit]\nA=b\n\n[X-Reconciled]\nFields={"environment.PASSWORD":"x"}\n')).toBe('[Unit]\nA=b\n');
  expect(maskFile({ path: '/x', from: 'a', to: 'b' })).toEqual({ path: '/x', from: 'a', to: 'b' });
});

it('masks what stands in a quote that is never closed', () => {
  expect(maskFile({ path: '/x', from: 'Environment="DB_PASSWORD=https://u:p@h/' }).from).toBe(
    'Environment="DB_PASSWORD=***',
  );
});

it('what is masked once is not masked otherwise a second time: it may have come over a socket', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'PASSWORD=',
      '--token',
      '--api-key=',
      'https://u:p@h/?token=x&b=c',
      '"',
      '***',
      ' ',
      '\\',
      '=',
      '-x',
    ),
    fc.constantFrom(
      'Environment=',
      'ExecStart=',
      'environment=',
      '\n',
      '[Service]',
      '\n[X-Reconciled]\n',
      '@',
      ':',
      '//',
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const once = maskFile({ path: '/x', from: words.join('') });
      expect(maskFile(once)).toEqual(once);
    }),
    { numRuns: 3000 },
  );
});

it('masks headers of requests that look secret', () => {
  const headers = (value: string) => ({ Authorization: value, 'X-Api-Key': value, Cookie: value, Host: 'shop' });
  const probe = (value: string) => [{ name: 'api', http: { url: 'http://h/', headers: headers(value) } }];
  expect(maskField('health', probe('hunter2'))).toEqual(probe('***'));
});
