import { describe, expect, it } from 'vitest';
import { expand } from '../../../../src/supervisors/supervisord/expand.ts';

const NAMES: Readonly<Record<string, string | number>> = {
  here: '/etc',
  process_num: 7,
  'a(b)': 'odd',
  quote: `it's`,
  x: 'é🐬',
};

const shown = (text: string) => {
  const expansion = expand(text, (name) => NAMES[name]);
  return expansion.kind === 'text' ? expansion.text : undefined;
};

describe('an expansion', () => {
  it.each([
    ['plain', 'plain'],
    ['%(here)s%(here)s/', '/etc/etc/'],
    ['100%%', '100%'],
    ['%%(here)s', '%(here)s'],
    ['%(process_num)02d', '07'],
    ['%(process_num)s %(process_num)-3d| %(process_num)+d %(process_num) d %(process_num)x', '7 7  | +7  7 7'],
    ['%(process_num)#06x %(process_num).3d', '0x0007 007'],
    ['%(process_num)c', '\x07'],
    ['%(here).0s|%(here)6s|%(here)-6s|%(here)06s|%(here).2s', '|  /etc|/etc  |  /etc|/e'],
    ['%(x).1s%(x)4s', 'é  é🐬'],
    ['%(a(b))s', 'odd'],
    ['%(quote)r %(here)r', `"it's" '/etc'`],
    ['%(here)ls %5%', '/etc %'],
    ['%s', '{...}'],
    ['%s %(here)s', '{...} /etc'],
  ])('%j is %j', (text, result) => {
    expect(shown(text)).toBe(result);
  });

  it.each([
    '%',
    '% ',
    '%(here)',
    '%(here',
    '%(none)s',
    '%(here)d',
    '%(here)s %s',
    '%s %s',
    '%d',
    '%Y',
    '%(here)*s',
    '%h',
    '%(here)c',
  ])('%j is refused', (text) => {
    expect(shown(text)).toBeUndefined();
  });
});
