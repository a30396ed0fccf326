/** What the control group of a process tells of who runs it. */
export type Group =
  /** `unit` is a service, or a scope of its own (`systemd-run --scope`). */
  | { readonly kind: 'unit'; readonly unit: string; readonly scope: 'system' | 'user'; readonly uid?: number }
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'container'; readonly name: string };

/**
 * Reads the lines of /proc/PID/cgroup as systemd lays them out, in its unified hierarchy or its named one. `root` are those
 * of the first process of all: where we are in a container, all paths begin with that one's.
 */
export function groupOf(lines: readonly string[], root: readonly string[] = []): Group | undefined {
  const path = pathOf(lines);
  if (path === undefined) return undefined;
  const above = (pathOf(root) ?? '').replace(/\/(init\.scope)?$/, '');
  const parts = (path === above || path.startsWith(`${above}/`) ? path.slice(above.length) : path).split('/');
  const container = parts.map(containerOf).find((name) => name !== undefined);
  if (container !== undefined) return { kind: 'container', name: container };
  const manager = parts.findIndex((part) => /^user@\d+\.service$/.test(part));
  const below = manager === -1 ? parts : parts.slice(manager + 1);
  // What a unit makes of groups below its own is its affair.
  const unit = below.find((part) => /\.(service|scope)$/.test(part) && part !== 'init.scope');
  const session = /^session-(.+)\.scope$/.exec(unit ?? '')?.[1];
  if (session !== undefined) return { kind: 'session', session };
  if (unit === undefined) return undefined;
  if (manager === -1) return { kind: 'unit', unit, scope: 'system' };
  return { kind: 'unit', unit, scope: 'user', uid: Number(/\d+/.exec(parts[manager] ?? '')?.[0]) };
}

function pathOf(lines: readonly string[]): string | undefined {
  const named = lines.find((line) => line.slice(line.indexOf(':') + 1).startsWith('name=systemd:'));
  const unified = lines.find((line) => line.startsWith('0::'));
  // Where both are there, systemd may track units in either: what is nearer to a unit is its.
  const paths = [unified, named].flatMap((line) =>
    line === undefined ? [] : [line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1)],
  );
  return paths.find((path) => /\.(service|scope|slice)(\/|$)/.test(path)) ?? paths[0];
}

function containerOf(part: string, at: number, parts: readonly string[]): string | undefined {
  const [, engine, id] = /^(docker|libpod|crio|cri-containerd|nerdctl)-([0-9a-f]{12,64})(?:\.scope)?$/.exec(part) ?? [];
  if (engine !== undefined && id !== undefined) return `${engine} ${id.slice(0, 12)}`;
  if (/^[0-9a-f]{64}$/.test(part)) return `${parts[at - 1] || 'container'} ${part.slice(0, 12)}`;
  if (part.startsWith('machine-') && part.endsWith('.scope')) return part.slice('machine-'.length, -'.scope'.length);
  const before = parts[at - 1];
  if ((before === 'lxc' || before === 'lxc.payload') && part !== '') return `lxc ${part}`;
  const payload = /^lxc\.payload\.(.+)$/.exec(part)?.[1];
  return payload === undefined ? undefined : `lxc ${payload}`;
}
