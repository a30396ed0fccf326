import { expect, it } from 'vitest';
import { COLOUR, PLAIN } from '../../../src/cli/style.ts';
import { countsOf, doctorJson, doctorText } from '../../../src/cli/views/doctor.ts';

const DIAGNOSIS = {
  topics: [
    {
      topic: 'tool',
      findings: [{ check: 'node', grade: 'ok' as const, says: 'Node 24.21.0', evidence: ['/usr/bin/node'] }],
    },
    {
      topic: 'folders',
      findings: [
        {
          ...{ check: 'state-folder', grade: 'error' as const, says: 'others can write it\u001b[2J' },
          ...{ evidence: ['mode 0777'], hint: 'they could change it', mend: ['chmod go-w /a', 'ls /a'] },
        },
        { check: 'log-folder', grade: 'warning' as const, says: 'odd' },
      ],
    },
  ],
};

it('a diagnosis is a line for each finding, and of what is not well all that mends it', () => {
  expect(doctorText(DIAGNOSIS, { style: PLAIN, width: 100 })).toBe(`ok       tool     Node 24.21.0
ERROR    folders  others can write it\\u001b[2J
                  mode 0777
                  they could change it
                  mend: chmod go-w /a
                  mend: ls /a
warning  folders  odd

1 error, 1 warning, 1 ok.
`);
  expect(doctorText({ topics: [DIAGNOSIS.topics[0] as never] }, { style: PLAIN, width: 100 })).toBe(
    'ok       tool  Node 24.21.0\n\n1 ok.\n',
  );
  expect(doctorText(DIAGNOSIS, { style: COLOUR, width: 100 })).toContain('\u001b[31mERROR');
});

it('text is broken between words, and a command never is', () => {
  const long = {
    ...{ check: 'x', grade: 'error' as const, says: 'one two three four five six seven eight nine ten' },
    ...{ evidence: ['/a/path/that/is/longer/than/a/line'], mend: ['chmod go-w /a/path /another/path /one/more'] },
  };
  expect(doctorText({ topics: [{ topic: 'a', findings: [long] }] }, { style: PLAIN, width: 44 })).toBe(`\
ERROR    a  one two three four five six
            seven eight nine ten
            /a/path/that/is/longer/than/a/line
            mend: chmod go-w /a/path /another/path /one/more

1 error, 0 ok.
`);
});

it('programs are told the same', () => {
  expect(countsOf(DIAGNOSIS)).toEqual({ ok: 1, warning: 1, error: 1 });
  expect(doctorJson(DIAGNOSIS)).toMatchObject({
    healthy: false,
    counts: { ok: 1, warning: 1, error: 1 },
    findings: [
      {
        topic: 'tool',
        check: 'node',
        grade: 'ok',
        says: 'Node 24.21.0',
        evidence: ['/usr/bin/node'],
        hint: null,
        mend: [],
      },
      {
        topic: 'folders',
        check: 'state-folder',
        grade: 'error',
        hint: 'they could change it',
        mend: ['chmod go-w /a', 'ls /a'],
      },
      { topic: 'folders', check: 'log-folder', grade: 'warning', hint: null },
    ],
  });
});
