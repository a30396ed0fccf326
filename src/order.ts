/** Pure helpers over graphs of ids, where `after` gives the ids that come before an id. */

export type After = (id: string) => Iterable<string>;

/**
 * The ids in an order in which each stands behind all that `after` names for it: by depth, ids of one depth as given.
 * What `after` names and is not among the ids is passed over. A cycle is a defect of the caller's and throws.
 */
export function topological(ids: Iterable<string>, after: After): string[] {
  const waits = new Map<string, Set<string>>();
  const all = new Set(ids);
  for (const id of all) waits.set(id, new Set([...after(id)].filter((before) => all.has(before))));
  const followers = new Map<string, string[]>();
  for (const [id, befores] of waits) {
    for (const before of befores) {
      const list = followers.get(before);
      if (list) list.push(id);
      else followers.set(before, [id]);
    }
  }

  const place = new Map([...all].map((id, i) => [id, i]));
  const order: string[] = [];
  let ready = [...all].filter((id) => waits.get(id)?.size === 0);
  while (ready.length > 0) {
    ready.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
    order.push(...ready);
    const next: string[] = [];
    for (const id of ready) {
      for (const follower of followers.get(id) ?? []) {
        const left = waits.get(follower);
        left?.delete(id);
        if (left?.size === 0) next.push(follower);
      }
    }
    ready = next;
  }
  if (order.length < all.size) {
    const placed = new Set(order);
    const stuck = [...all].filter((id) => !placed.has(id)).sort();
    throw new Error(`cannot order: a cycle among ${stuck.join(', ')}`);
  }
  return order;
}

/** All ids reachable from `start` through `next`, without `start` itself unless a path leads back. */
export function closure(start: Iterable<string>, next: After): Set<string> {
  const reached = new Set<string>();
  const open = [...start];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const other of next(id)) {
      if (reached.has(other)) continue;
      reached.add(other);
      open.push(other);
    }
  }
  return reached;
}
