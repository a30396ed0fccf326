import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Service, ServiceId } from '../model.ts';
import { type Problem, why } from '../problem.ts';
import { writableByOthers } from './safety.ts';

type Read = { readonly kind: 'read'; readonly digest: string } | { readonly kind: 'unread'; readonly problem: Problem };

/**
 * Fills `Service.inputs`: 16 hex digits of the SHA-256 of each `restartOn` file, and of the HMAC under the key of this
 * host of each environment file, so that a digest tells nothing about a secret elsewhere. The first file of a service
 * that can't be read is its problem, as is, for root, an environment file that others can write. A digest that is there
 * already stays.
 */
export function readInputs(
  services: readonly Service[],
  key: Buffer,
): { readonly services: readonly Service[]; readonly problems: ReadonlyMap<ServiceId, Problem> } {
  const problems = new Map<ServiceId, Problem>();
  const known = new Map<string, Read>();
  const readOnce = (field: string, path: string, make: () => Read): Read => {
    const name = `${field}:${path}`;
    const result = known.get(name) ?? make();
    known.set(name, result);
    return result;
  };
  const filled = services.map((service) => {
    const { restartOn = [], environmentFiles = [] } = service.written;
    if ((restartOn.length === 0 && environmentFiles.length === 0) || service.state === 'absent') return service;
    const inputs: Record<string, string> = { ...service.inputs };
    const take = (field: 'restartOn' | 'environmentFiles', path: string, make: () => Read) => {
      if (service.inputs[`${field}:${path}`] !== undefined) return;
      const result = readOnce(field, path, make);
      if (result.kind === 'read') inputs[`${field}:${path}`] = result.digest;
      else if (!problems.has(service.id)) problems.set(service.id, { ...result.problem, file: service.file, field });
    };
    for (const path of restartOn) take('restartOn', path, () => digestOf(path, createHash('sha256')));
    for (const path of environmentFiles) take('environmentFiles', path, () => digestOfSecrets(path, key));
    return Object.keys(inputs).length === Object.keys(service.inputs).length ? service : { ...service, inputs };
  });
  return { services: filled, problems };
}

function digestOfSecrets(path: string, key: Buffer): Read {
  try {
    const open = writableByOthers(path);
    if (open !== undefined) {
      const summary = `cannot use ${path} as root: others can write ${open}`;
      return unread({ code: 'unsafe-path', summary, hint: `chown root ${open} && chmod go-w ${open}` });
    }
  } catch (error) {
    return unread(unreadable(path, why(error)));
  }
  return digestOf(path, createHmac('sha256', key));
}

/** Opened non-blocking and refused unless it is a regular file: a fifo or a device would never end. */
function digestOf(path: string, digest: Hash | Hmac): Read {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) return unread(unreadable(path, 'it is not a file'));
      const chunk = Buffer.allocUnsafe(1 << 16);
      for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) digest.update(chunk.subarray(0, n));
      return { kind: 'read', digest: digest.digest('hex').slice(0, 16) };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return unread(unreadable(path, why(error)));
  }
}

function unread(problem: Problem): Read {
  return { kind: 'unread', problem };
}

function unreadable(path: string, reason: string): Problem {
  return {
    code: 'unreadable-input',
    summary: `cannot read ${path}: ${reason}`,
    hint: 'create it, or remove it from the service',
  };
}
