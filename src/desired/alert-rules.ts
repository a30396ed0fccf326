import { maskText } from '../secrets.ts';
import { parseDuration } from '../units.ts';
import type { Finding } from './finding.ts';
import type { PolicyFile } from './generated/policy.ts';
import { dotted, type Path } from './layer.ts';

type Alert = NonNullable<PolicyFile['alerts']>[number];

/** What the schema can't say of those who are told. Pure. */
export function alertRules({ alerts = [] }: Partial<PolicyFile>): Finding[] {
  return alerts.flatMap((alert, i) => {
    const findings = rulesOf(alert, ['alerts', i]);
    const first = alerts.findIndex(({ name }) => name === alert.name);
    if (first === i) return findings;
    const hint = 'names tell them apart, in the log and in `reconcile alert test NAME`';
    return [...findings, found(['alerts', i, 'name'], `'${alert.name}' is there twice`, hint)];
  });
}

function rulesOf({ webhook, exec, services, timeout }: Alert, path: Path): Finding[] {
  const findings: Finding[] = [];
  const tell = (at: Path, summary: string, hint: string) => findings.push(found([...path, ...at], summary, hint));
  if (webhook?.url !== undefined) {
    if (!URL.canParse(webhook.url))
      tell(['webhook', 'url'], 'is not a URL', 'for example https://alerts.example.com/hook');
    else if (isSecret(webhook.url))
      tell(
        ['webhook', 'url'],
        'holds a password or a token, and everybody can read what is in Git',
        'write it to a file of this host, mode 0600, and its path here: `urlFile: /etc/reconciled/alerts.url`',
      );
  }
  const [program] = exec?.command ?? [];
  if (program !== undefined && !program.startsWith('/'))
    tell(['exec', 'command', 0], `'${program}' is not an absolute path`, 'for example /usr/local/bin/page-somebody');
  if (services?.length === 0)
    tell(['services'], 'it is about no service', 'name some, or remove it: it is about all then, and the host');
  if (timeout !== undefined && parseDuration(timeout) === 0)
    tell(['timeout'], 'nothing is that fast', 'for example 10s');
  return findings;
}

function found(path: Path, what: string, hint: string): Finding {
  return { code: 'bad-alert', path, part: 'value', summary: `${dotted(path)}: ${what}`, hint };
}

/** A long part of a path or query that mixes letters and digits, as webhooks of chats have, is what lets one in. */
const TOKEN = /^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_-]{20,}$/;

function isSecret(text: string): boolean {
  const { username, password, pathname, searchParams, hash } = new URL(text);
  if (username !== '' || password !== '' || maskText(text) !== text) return true;
  return [...pathname.split('/'), ...searchParams.values(), hash.slice(1)].some((part) => TOKEN.test(part));
}
