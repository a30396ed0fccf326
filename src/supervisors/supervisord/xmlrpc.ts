/** The part of XML-RPC (http://xmlrpc.com/spec.md) that supervisord speaks. npm's packages for it are twenty times slower. */

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** What a server refused to do. */
export interface FaultValue {
  readonly faultCode: number;
  readonly faultString: string;
}

export type Reply =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'fault'; readonly fault: FaultValue };

/** The body of a call. */
export function encodeCall(method: string, params: readonly Value[]): string {
  const all = params.map((param) => `<param>${encode(param)}</param>`).join('');
  return `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${all}</params></methodCall>`;
}

function encode(value: Value): string {
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
  if (typeof value === 'number') return `<value><int>${Math.trunc(value)}</int></value>`;
  if (typeof value === 'string') return `<value><string>${escaped(value)}</string></value>`;
  if (value === null) return '<value><nil/></value>';
  if (Array.isArray(value)) return `<value><array><data>${value.map(encode).join('')}</data></array></value>`;
  const members = Object.entries(value as { readonly [name: string]: Value });
  const all = members.map(([name, member]) => `<member><name>${escaped(name)}</name>${encode(member)}</member>`);
  return `<value><struct>${all.join('')}</struct></value>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'));
}

/** What a server answered; throws for what is no XML-RPC. One pass over the tags: it knows no attributes and no CDATA. */
export function decodeReply(xml: string): Reply {
  const tags = new Tags(xml);
  for (;;) {
    const tag = tags.next();
    if (tag === 'param') {
      tags.skipTo('value');
      return { kind: 'value', value: read(tags) };
    }
    if (tag !== 'fault') continue;
    tags.skipTo('value');
    const { faultCode, faultString } = read(tags) as { readonly [name: string]: Value };
    return { kind: 'fault', fault: { faultCode: Number(faultCode), faultString: String(faultString) } };
  }
}

/** The value that has just been opened. */
function read(tags: Tags): Value {
  const tag = tags.next();
  // A value without a type is text.
  if (tag === '/value') return tags.text();
  const value = readTyped(tags, tag);
  tags.skipTo('/value');
  return value;
}

function readTyped(tags: Tags, tag: string): Value {
  switch (tag) {
    case 'string/':
    case 'string /':
      return '';
    case 'nil/':
    case 'nil /':
      return null;
    case 'array': {
      const all: Value[] = [];
      for (let inner = tags.next(); inner !== '/array'; inner = tags.next()) {
        if (inner === 'value') all.push(read(tags));
      }
      return all;
    }
    case 'struct': {
      const all: Record<string, Value> = {};
      for (let inner = tags.next(); inner !== '/struct'; inner = tags.next()) {
        if (inner !== 'member') continue;
        tags.skipTo('name');
        tags.skipTo('/name');
        const name = tags.text();
        tags.skipTo('value');
        all[name] = read(tags);
      }
      return all;
    }
    default: {
      tags.next();
      const text = tags.text();
      if (tag === 'string' || tag === 'dateTime.iso8601' || tag === 'base64') return text;
      return tag === 'boolean' ? text.trim() === '1' : Number(text);
    }
  }
}

class Tags {
  readonly #xml: string;
  #at = 0;
  #text: readonly [from: number, to: number] = [0, 0];

  constructor(xml: string) {
    this.#xml = xml;
  }

  /** The next tag without its brackets. */
  next(): string {
    const open = this.#xml.indexOf('<', this.#at);
    const close = this.#xml.indexOf('>', open);
    if (open === -1 || close === -1) throw new Error('its answer is no XML-RPC');
    this.#text = [this.#at, open];
    this.#at = close + 1;
    return this.#xml.slice(open + 1, close);
  }

  skipTo(wanted: string): void {
    while (this.next() !== wanted);
  }

  /** What stands before the last tag. */
  text(): string {
    const text = this.#xml.slice(...this.#text);
    if (!text.includes('&')) return text;
    return text.replace(/&(#x[0-9a-fA-F]+|#[0-9]+|[a-z]+);/g, (whole, name: string) => {
      if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
      return String.fromCodePoint(name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1)));
    });
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
