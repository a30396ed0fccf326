/** What the schema can't say of probes and gates. Loaded only where there are any, and what reads patterns only where one is. */
import { BadPattern, readJsonPath, readPattern } from '../patterns.ts';
import { parseDuration } from '../units.ts';
import type { Finding } from './finding.ts';
import type { HttpTarget, ServiceFile } from './generated/service.ts';
import { dotted, type Path } from './layer.ts';

type Written = NonNullable<ServiceFile['health']>[number];
type Target = Pick<Written, 'http' | 'tcp' | 'file'>;

export async function probeRules({ health = [], gate }: Partial<ServiceFile>): Promise<Finding[]> {
  const ofProbes = health.map(async (probe, i) => {
    const path = ['health', i];
    return [
      ...nameRules(health, i),
      ...meaningRules(health, i),
      ...timeRules(path, { every: probe.every, timeout: probe.timeout }),
      ...(await targetRules(probe, path)),
      ...(await progressRules(probe, path)),
    ];
  });
  const ofGate =
    gate === undefined
      ? []
      : [...timeRules(['gate'], { every: gate.every, tryFor: gate.tryFor }), ...(await targetRules(gate, ['gate']))];
  return [...(await Promise.all(ofProbes)).flat(), ...ofGate];
}

function finding(path: Path, summary: string, hint: string, part: Finding['part'] = 'value'): Finding {
  return { code: 'bad-value', path, part, summary: `${dotted(path)}: ${summary}`, hint };
}

function nameRules(health: readonly Written[], i: number): Finding[] {
  const name = health[i]?.name;
  if (health.findIndex((other) => other.name === name) === i) return [];
  return [finding(['health', i, 'name'], `two probes are called '${name}'`, 'give each its own name')];
}

/** Whether what it is for and what it does go together. */
function meaningRules(health: readonly Written[], i: number): Finding[] {
  const { name, startup, kind, about, onFailure, failures } = health[i] ?? { name: '' };
  const path: Path = ['health', i];
  const found: Finding[] = [];
  if (startup === true) {
    const first = health.find((other) => other.startup === true);
    const at = [...path, 'startup'];
    if (first !== undefined && first !== health[i])
      found.push(finding(at, `'${first.name}' is the startup probe already`, 'there is one: the others wait for it'));
    if (about === 'dependency')
      found.push(finding(at, 'what it depends on does not start with it', `remove startup, or \`about\` of '${name}'`));
  }
  if (about === 'dependency' && kind !== undefined && kind !== 'liveness')
    found.push(
      finding([...path, 'kind'], 'a dependency delays no start and is no readiness of its own', 'remove kind'),
    );
  if (onFailure === 'restart' || onFailure === 'rollback' || onFailure === 'stop') {
    const at = [...path, 'onFailure'];
    if (about === 'dependency') {
      const summary = `can't be '${onFailure}' with \`about: dependency\`: it is not the service that is not well`;
      found.push(finding(at, summary, 'write alert or none, or remove `about: dependency`'));
    } else if (kind === 'readiness') {
      const summary = `can't be '${onFailure}' with \`kind: readiness\`: that one is never a reason to act`;
      found.push(finding(at, summary, 'write alert or none, or remove `kind: readiness`'));
    }
  }
  if (typeof failures === 'object' && failures.of < failures.count) {
    const summary = `there can't be ${failures.count} failures in ${failures.of} tries`;
    found.push(finding([...path, 'failures', 'of'], summary, `write at least ${failures.count}`));
  }
  return found;
}

/** ms. What is shorter keeps a host busy, what is longer no timer can wait. */
const SHORTEST = 100;
const LONGEST = 24 * 86_400_000;

function timeRules(path: Path, times: Readonly<Record<string, string | undefined>>): Finding[] {
  return Object.entries(times).flatMap(([key, written = '1s']) => {
    const ms = parseDuration(written) ?? SHORTEST;
    if (ms >= SHORTEST && ms <= LONGEST) return [];
    return [finding([...path, key], `${written} is out of range`, 'write 100ms to 24d')];
  });
}

async function progressRules({ progress }: Written, path: Path): Promise<Finding[]> {
  if (progress === undefined) return [];
  const here = [...path, 'progress'];
  const { json, regex, within } = progress;
  const found = await targetRules(progress, here);
  if (json === undefined && regex === undefined) {
    const hint = 'add `json: $.scan.processed`, or `regex: "scan (\\\\d+) processed"`: where the number is';
    found.push(finding(here, 'needs one of json and regex', hint, 'key'));
  } else if (json !== undefined && regex !== undefined) {
    found.push(
      finding([...here, 'regex'], 'json and regex are both there', 'keep the one that finds the number', 'key'),
    );
  }
  if (parseDuration(within) === 0) found.push(never([...here, 'within'], 'no number advances in no time'));
  found.push(...(await patternRule(regex, [...here, 'regex'])), ...(await pathRule(json, [...here, 'json'])));
  return found;
}

async function targetRules({ http, tcp, file }: Target, path: Path): Promise<Finding[]> {
  const found: Finding[] = [];
  if (http !== undefined) found.push(...(await httpRules(http, [...path, 'http'])));
  if (tcp !== undefined) {
    const port = Number(tcp.address.slice(tcp.address.lastIndexOf(':') + 1));
    const at = [...path, 'tcp', 'address'];
    if (port < 1 || port > 65535) found.push(finding(at, `there is no port ${port}`, 'a port is 1 to 65535'));
    else if (!URL.canParse(`http://${tcp.address}`))
      found.push(finding(at, `there is no address ${tcp.address}`, 'for example 127.0.0.1:5701 or [::1]:5701'));
  }
  if (file?.changedWithin !== undefined && parseDuration(file.changedWithin) === 0)
    found.push(never([...path, 'file', 'changedWithin'], 'no file is written to in no time'));
  return found;
}

function never(path: Path, why: string): Finding {
  return finding(path, `it would never pass: ${why}`, 'for example 1m');
}

async function httpRules({ url, headers = {}, body, json }: HttpTarget, path: Path): Promise<Finding[]> {
  const found: Finding[] = [];
  if (!URL.canParse(url))
    found.push(finding([...path, 'url'], 'is not a URL', 'for example http://127.0.0.1:8080/health'));
  for (const [name, value] of Object.entries(headers))
    found.push(...headerRule(name, value, [...path, 'headers', name]));
  found.push(
    ...(await patternRule(body, [...path, 'body'])),
    ...(await pathRule(json?.path, [...path, 'json', 'path'])),
  );
  return found;
}

/** These say how the request itself is sent. */
const FRAMING =
  /^(connection|content-length|transfer-encoding|keep-alive|te|trailer|upgrade|expect|proxy-connection)$/i;

/** RFC 9110, and Latin-1, which is what goes over the wire. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function headerRule(name: string, value: string, path: Path): Finding[] {
  if (!NAME.test(name)) {
    return [finding(path, `'${name}' is no name for a header`, 'letters, digits and -, for example X-Probe', 'key')];
  }
  if (FRAMING.test(name))
    return [finding(path, 'how a request is sent is not for a header to say', 'remove it', 'key')];
  if (VALUE.test(value)) return [];
  return [finding(path, 'has a character in it that no header can have', 'write it without line ends and as ASCII')];
}

function patternRule(source: string | undefined, path: Path): Promise<Finding[]> {
  return read(source, path, 'is no regular expression in RE2 syntax', readPattern);
}

function pathRule(source: string | undefined, path: Path): Promise<Finding[]> {
  return read(source, path, 'is no JSON path', readJsonPath);
}

async function read(
  source: string | undefined,
  path: Path,
  what: string,
  reader: (source: string) => Promise<unknown>,
): Promise<Finding[]> {
  if (source === undefined) return [];
  try {
    await reader(source);
    return [];
  } catch (error) {
    if (!(error instanceof BadPattern)) throw error;
    const { message, hint, kind } = error;
    return [finding(path, kind === 'syntax' ? `${what}: ${message}` : message, hint)];
  }
}
