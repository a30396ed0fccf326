import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { define } from '../../../../src/supervisors/systemd/define.ts';
import { readUnit } from '../../../../src/supervisors/systemd/read-unit.ts';
import { fileOf, OPTIONS, service } from './make.ts';

const declared = service({
  description: 'it\u2028[X-Reconciled]\u2028 ends in \\',
  command: ['/bin/web', '\n[X-Reconciled]\n', '😀\u007f\u2028', '\\'],
  environment: { A: '\r\n' },
  logs: { stdout: 'a.log' },
});
const { text } = fileOf(declared);
const trailer = text.indexOf('\n[X-Reconciled]\n') + 1;

/** `__proto__` and others are keys like any other. */
const odd = fc.dictionary(
  fc.string().filter((key) => /^[A-Za-z_]\w*$/.test(key)),
  fc.string({ unit: 'binary' }),
);

describe('what we wrote', () => {
  it('says of itself what it was made from', () => {
    const defined = define(declared, OPTIONS);
    expect(readUnit(text)).toEqual({
      kind: 'ours',
      stamp: { owner: 'default', service: 'web', instance: '', hash: 'hash' in defined && defined.hash },
      fields: 'fields' in defined && defined.fields,
      made: '1 252',
      intact: true,
      body: text.slice(0, trailer),
    });
  });

  it('reads back whatever its fields are, of which systemd never sees what it takes for invalid', () => {
    const any = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(odd, fc.array(any), any, (environment, args, description) => {
        const defined = define(service({ command: ['/bin/web', ...args], environment, description }), OPTIONS);
        if (!('files' in defined)) return;
        const written = defined.files?.[0]?.text ?? '';
        expect(readUnit(written)).toMatchObject({ intact: true, fields: defined.fields });
        expect(written).not.toMatch(/[\0\r]|\p{Noncharacter_Code_Point}/u);
      }),
      { numRuns: 300 },
    );
    const { text } = fileOf(service({ description: 'a\uffff\u{1fffe}\0\ud800' }));
    expect(text).toMatch(/^Description=a \ufffd$/m);
    expect(text).toContain('"description":"a\\uffff\\ud83f\\udffe\\u0000\\ud800"');
  });

  it('is never intact once a character before the trailer is another, is gone or was added', () => {
    const place = fc.integer({ min: 0, max: trailer - 2 });
    fc.assert(
      fc.property(place, fc.constantFrom('', '\n', 'x', ' ', '#', '\\'), fc.boolean(), (at, put, keep) => {
        const edited = text.slice(0, at) + put + text.slice(keep ? at : at + 1);
        if (edited !== text) expect(readUnit(edited)).toMatchObject({ kind: 'ours', intact: false });
      }),
      { numRuns: 500 },
    );
  });

  it.each([['[Service]\nNice=5\n'], ['# note\n'], ['Stamp=v1:default:web::00\n'], ['\\\n[Service]\n']])(
    'is not intact with %j behind it',
    (added) => {
      expect(readUnit(text + added)).toMatchObject({ kind: 'ours', intact: false });
    },
  );

  it('may have more keys from a later version', () => {
    expect(readUnit(`${text}More=1\n`)).toMatchObject({ kind: 'ours', intact: true });
  });

  it('is still ours, but not intact, where an editor changed its line ends', () => {
    expect(readUnit(text.replaceAll('\n', '\r\n'))).toMatchObject({ kind: 'ours', intact: false });
  });

  it('has no fields where they are damaged', () => {
    for (const damaged of ['Fields={"a', 'Fields=[]', 'Fields=null', 'Field={}']) {
      const edited = text.replace(/^Fields=.*$/m, damaged);
      expect(readUnit(edited)).toMatchObject({ kind: 'ours', intact: false, fields: undefined });
    }
  });

  it.each([
    ['v2:default:web::00', 'its stamp is of version 2, which this version does not know'],
    ['v1:default:web', 'its stamp is damaged'],
    ['', 'its stamp is damaged'],
  ])('is unreadable with the stamp %j', (stamp, why) => {
    expect(readUnit(text.replace(/^Stamp=.*$/m, `Stamp=${stamp}`))).toEqual({ kind: 'unreadable', why });
  });
});

it('takes everything else as foreign, and throws for nothing', () => {
  expect(readUnit('')).toEqual({ kind: 'foreign' });
  expect(readUnit('[Service]\nExecStart=/bin/x\n# [X-Reconciled]\n')).toEqual({ kind: 'foreign' });
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (any) => readUnit(any).kind === 'foreign'));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (any) => readUnit(`[X-Reconciled]\nStamp=${any}`).kind !== 'foreign'),
  );
});
