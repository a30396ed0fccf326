import type { Probe } from '../../health/health.ts';
import type { LocalPort } from '../../restarts/local-port.ts';

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|::1?|)$/;

/** The ports that a service's probes about itself look for at addresses of this host alone. */
export function localPorts(probes: readonly Probe[]): readonly LocalPort[] {
  return probes.flatMap(({ about, target }): LocalPort[] => {
    const at = about === 'self' ? placeOf(target.kind === 'progress' ? target.from : target) : undefined;
    return at !== undefined && LOCAL.test(at.host) ? [at] : [];
  });
}

function placeOf(target: Probe['target']): LocalPort | undefined {
  if (target.kind === 'tcp') return { host: target.host, port: target.port };
  if (target.kind !== 'http' || !URL.canParse(target.url)) return undefined;
  const { hostname, port, protocol } = new URL(target.url);
  return { host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}
