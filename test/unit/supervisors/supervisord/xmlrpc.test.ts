import { describe, expect, it } from 'vitest';
import { decodeReply, encodeCall } from '../../../../src/supervisors/supervisord/xmlrpc.ts';

const reply = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}\n</param>\n</params>\n</methodResponse>`;

describe('a call', () => {
  it('carries text, numbers, booleans, lists and structures', () => {
    expect(encodeCall('system.multicall', [[{ methodName: 'a', params: ['x<&>', 3, true, []] }]])).toBe(
      '<?xml version="1.0"?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data><value><struct>' +
        '<member><name>methodName</name><value><string>a</string></value></member><member><name>params</name><value><array><data>' +
        '<value><string>x&lt;&amp;&gt;</string></value><value><int>3</int></value><value><boolean>1</boolean></value>' +
        '<value><array><data></data></array></value></data></array></value></member></struct></value></data></array></value></param></params></methodCall>',
    );
  });
});

describe('a reply', () => {
  it('is read as Python writes it, blanks between tags and all', () => {
    const xml = reply(`<value><array><data>
<value><struct>
<member>
<name>name</name>
<value><string>web</string></value>
</member>
<member>
<name>pid</name>
<value><int>17</int></value>
</member>
<member>
<name>spawnerr</name>
<value><string></string></value>
</member>
<member>
<name>ok</name>
<value><boolean>0</boolean></value>
</member>
</struct></value>
<value><nil/></value>
</data></array></value>`);
    expect(decodeReply(xml)).toEqual({
      kind: 'value',
      value: [{ name: 'web', pid: 17, spawnerr: '', ok: false }, null],
    });
  });

  it('has its entities resolved once', () => {
    expect(decodeReply(reply('<value><string>a &lt;b&gt; &amp;amp; &#233; &#x1F42C;</string></value>'))).toEqual({
      kind: 'value',
      value: 'a <b> &amp; é 🐬',
    });
    expect(decodeReply(reply('<value>bare</value>'))).toEqual({ kind: 'value', value: 'bare' });
  });

  it('may be a fault', () => {
    const xml = `<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>10</int></value></member>
<member><name>faultString</name><value><string>BAD_NAME: web</string></value></member></struct></value></fault></methodResponse>`;
    expect(decodeReply(xml)).toEqual({ kind: 'fault', fault: { faultCode: 10, faultString: 'BAD_NAME: web' } });
  });

  it.each(['', 'plain text', '<html><body>no', reply('<value><string>cut of')])(
    'is refused where it is none: %s',
    (text) => {
      expect(() => decodeReply(text)).toThrow('no XML-RPC');
    },
  );
});
