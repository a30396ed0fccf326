import { resolve } from 'node:path';
import type { Section } from './ini.ts';
import { strip } from './python.ts';
import type { Reader, Scope } from './reader.ts';
import { ADDRESS, type Address, OCTAL } from './values.ts';

interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Where a supervisord listens, and to whom. */
export type Listener =
  | ({
      readonly kind: 'unix';
      readonly section: Section;
      readonly path: string;
      /** 0o700 where nothing is said. */
      readonly mode: number;
      /** `user` or `user:group`; else whoever supervisord runs as. */
      readonly owner: string | undefined;
    } & Login)
  /** `host` is empty where it listens on every address. */
  | ({ readonly kind: 'tcp'; readonly section: Section; readonly host: string; readonly port: number } & Login);

/** supervisor.options: server_configs_from_parser, in the order that it opens them. `cwd`: where it was started. */
export function listenersOf(reader: Reader, here: string, cwd: string): readonly Listener[] {
  const sections = [...reader.ini.sections.values()];
  const none: Scope = new Map();
  const tcp = sections
    .filter(({ name }) => name.startsWith('inet_http_server'))
    .flatMap((section): Listener[] => {
      const login = loginOf(reader, section);
      if (!reader.has(section, 'port')) reader.refuse(section, undefined, 'it has no port');
      const address = reader.value<Address | undefined>(section, 'port', ADDRESS, undefined, none);
      return address === undefined ? [] : [{ kind: 'tcp', section, ...address, ...login }];
    });
  const unix = sections
    .filter(({ name }) => name.startsWith('unix_http_server'))
    .flatMap((section): Listener[] => {
      if (!reader.has(section, 'file')) reader.refuse(section, undefined, 'it has no file');
      const file = reader.text(section, 'file', new Map([['here', here]]));
      const login = loginOf(reader, section);
      const owner = reader.owner(section, 'chown', none);
      const mode = reader.value(section, 'chmod', OCTAL, 0o700, none);
      if (file === undefined) return [];
      return [{ kind: 'unix', section, path: resolve(cwd, reader.home(strip(file))), mode, owner, ...login }];
    });
  return [...tcp, ...unix];
}

function loginOf(reader: Reader, section: Section): Login {
  const none: Scope = new Map();
  const login = { username: reader.text(section, 'username', none), password: reader.text(section, 'password', none) };
  if (reader.has(section, 'username') !== reader.has(section, 'password')) {
    const [there, missing] = reader.has(section, 'username') ? ['username', 'password'] : ['password', 'username'];
    reader.refuse(section, there, `a ${there} without a ${missing} is nothing`);
  }
  return login;
}
