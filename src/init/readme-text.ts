/** What a repository of a desired state tells whoever opens it. */
export function readmeText(title: string): string {
  return `# ${title}

What runs on our hosts, as files. \`reconcile\` makes a host as they say, shows first what it would do, and restarts nothing that
did not have to be restarted.

| | |
|---|---|
| \`desired-state/services/NAME.yaml\` | one service each; the file's name is its name |
| \`desired-state/policy.yaml\` | how all of it is applied |
| \`desired-state/labels/LABEL/services/\`, \`desired-state/hosts/HOST.yaml\`, \`desired-state/hosts/HOST/services/\` | what differs for some hosts: layers over services/ |
| \`desired-state/supervisors/NAME.yaml\` | a supervisord that services run under |
| \`schemas/\` | what may stand in these files: editors complete and check by them, offline |
| \`ci/check.sh\`, \`.github/workflows/desired-state.yaml\` | validates a change and shows what it would do |

## A change

\`\`\`sh
reconcile validate     # every problem at once, with line and column
reconcile --dry-run    # on the host: what would be done, and why (exit code 2: something)
reconcile              # does it
\`\`\`

or let \`reconcile daemon\` run: it applies what is saved, and keeps the services running. Where it follows a repository, it is a
commit and a push that count:

\`\`\`yaml
# /etc/reconciled/reconcile.config.yaml on the host
git: { url: git@git.example.org:ops/this.git, ref: main, path: desired-state, poll: 60s }
\`\`\`

\`reconcile install\` makes the daemon a service of the host; \`reconcile doctor\` tells what is wrong with a host, and how to
mend it.

## What the CI can tell

\`ci/check.sh BASE\` needs no host: it validates for each host of \`desired-state/hosts/\`, and plans from BASE to what is
checked out, for a host on which all is as BASE says. It can't know what runs there by now, what was changed by hand, what is
held or frozen, nor whether a program or a file is there: that is seen on the host alone, before the commit is in force by
\`reconcile diff ..COMMIT\`, or by \`--dry-run\`.

## Schemas

They are copies, so that an editor, a CI and a colleague without \`reconcile\` have them. After an upgrade
\`reconcile init --schemas\` writes them anew; \`reconcile doctor\` tells where they are older than the tool.
`;
}
