import type { Problem } from '../../problem.ts';

/** Which systemd: the host's own (PID 1), or the one that runs for this user. */
export type Scope = 'system' | 'user';

/**
 * The UNIX socket of a scope's bus, as `net.connect` takes it: where the environment says, else where systemd puts it.
 * Only sockets of this host: a bus elsewhere would speak of another host's services.
 */
export function busSocket(
  scope: Scope,
  env: NodeJS.ProcessEnv = process.env,
  uid = process.getuid?.() ?? 0,
): string | Problem {
  const variable = scope === 'system' ? 'DBUS_SYSTEM_BUS_ADDRESS' : 'DBUS_SESSION_BUS_ADDRESS';
  const address = env[variable];
  // sudo and cron leave XDG_RUNTIME_DIR out.
  const runtime = env.XDG_RUNTIME_DIR || `/run/user/${uid}`;
  if (!address) return scope === 'system' ? '/run/dbus/system_bus_socket' : `${runtime}/bus`;
  for (const one of address.split(';')) {
    const socket = socketOf(one, runtime);
    if (socket !== undefined) return socket;
  }
  return {
    code: 'bus-address',
    summary: `cannot reach systemd: ${variable} names no UNIX socket: ${address}`,
    hint: `unset ${variable}, or give it as unix:path=/path/of/socket`,
  };
}

/** Of `unix:path=/run/a%20b,guid=…`: the values are percent-encoded. */
function socketOf(address: string, runtime: string): string | undefined {
  if (!address.startsWith('unix:')) return undefined;
  for (const pair of address.slice('unix:'.length).split(',')) {
    const at = pair.indexOf('=');
    const value = unquote(pair.slice(at + 1));
    if (pair.startsWith('path=')) return value;
    if (pair.startsWith('abstract=')) return `\0${value}`;
    if (pair === 'runtime=yes') return `${runtime}/bus`;
  }
  return undefined;
}

function unquote(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
