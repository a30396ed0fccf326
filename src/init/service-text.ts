/** The first service of a new desired state: it needs nothing but a shell, and runs as whoever applies it. */
export const SERVICE_TEXT = `# yaml-language-server: $schema=../../schemas/service.schema.json
# One service a file; the file's name is the service's name: this one is \`hello\`. Only \`supervisor\` has to be there.

description: Says hello to its log every ten seconds # for people: changing it touches no process
supervisor: builtin # kept running by reconciled itself, as the user who runs that; or systemd, or supervisord/NAME
state: running # running | stopped | manual | disabled | absent

# A program and its arguments. There is no shell in between, but where one is asked for, as here.
command:
  - /bin/sh
  - -c
  - while :; do echo "$GREETING from $(uname -n)"; sleep 10; done

# Added to a small fixed environment. A change restarts this service, and only this one. Values are text, so numbers are
# quoted. Secrets belong in \`environmentFiles\`: files of the host, which are never in Git.
environment:
  GREETING: hello
# environmentFiles: [/etc/hello/secrets.env]

# user: hello # as root: whom it runs as
# directory: /srv/hello

start: { ready: 1s } # it counts as started once it has stayed up for so long, and its probes have passed once
stop: { signal: TERM, timeout: 10s, tree: true }
restart:
  policy: always
  backoff: { initial: 1s, factor: 2, max: 1m }
  limit: { restarts: 5, within: 10m } # then it is HELD: left alone, and shown, never hammered

# health:
#   - { name: api, http: { url: "http://127.0.0.1:8080/health" }, every: 10s, onFailure: restart }
#   - { name: database, tcp: { address: "10.0.0.5:5432" }, about: dependency } # never a reason to restart it
`;

/** How that desired state is applied. */
export function policyText(owner: string): string {
  return `# yaml-language-server: $schema=../schemas/policy.schema.json

# The name stamped on everything made from this directory. What another owner made is never touched. Two directories on one
# host need two names; to change it later is to begin anew.
owner: ${owner}

# A service whose file is deleted is left running and reported, until you say that it may be removed:
# prune: { max: 1 }

# To look for a while, and change nothing:
# mode: observe

# When changes may be made:
# windows: { allow: [{ cron: "0 9 * * 1-5", duration: 8h, timezone: Europe/Berlin }] }
`;
}
