/**
 * The check of a change, in plain shell: what can be told without the hosts. Whatever CI there is runs this, and so can anybody
 * by hand.
 */
export const CHECK_TEXT = `#!/bin/sh
# Is the desired state valid, and what would a change of it do?
#
#   ci/check.sh                 validates it, for each host in desired-state/hosts/
#   ci/check.sh origin/main     and shows, for each, what the commits since then would do
#
# Exit code: 0 valid, whatever would change; 1 invalid. RECONCILE=/path/of/reconcile where it is not in PATH.
#
# This runs anywhere: nothing is asked of a host and nothing is written but below a temporary folder. So the plan is for a host
# on which all is as the older commit says. What only the host knows is not in it: what runs there by now, what somebody
# changed by hand, holds, freezes and windows; and "held: cannot read FILE" or "cannot start" speaks of the machine that this
# runs on. The real one, on the host, once it can fetch the commit:  reconcile diff ..COMMIT
set -eu
cd "$(dirname "$0")/.."
reconcile=\${RECONCILE:-reconcile}
since=\${1:-}
mine=$(mktemp -d)
trap 'rm -rf "$mine"' EXIT
failed=0

check() { # HOST as the other arguments
  "$reconcile" validate --desired-state desired-state --runtime-dir "$mine" "$@" || return 1
  [ -n "$since" ] || return 0
  if ! git cat-file -e "$since:desired-state" 2>/dev/null; then
    echo "There is no desired-state at $since: nothing to compare with."
    return 0
  fi
  code=0
  "$reconcile" diff "$since..HEAD" --desired-state desired-state --runtime-dir "$mine" "$@" || code=$?
  [ "$code" -eq 0 ] || [ "$code" -eq 2 ] # 2: something would change
}

if [ -d desired-state/hosts ]; then
  for file in desired-state/hosts/*.yaml; do
    [ -e "$file" ] || continue
    host=$(basename "$file" .yaml)
    echo "== $host"
    check --host "$host" || failed=1
  done
else
  check || failed=1
fi
exit "$failed"
`;

/** The same for GitHub: the plan is in the summary of the run, and a comment of the pull request. */
export const WORKFLOW_TEXT = `# Validates the desired state and shows what a change would do: see ci/check.sh, which does the work and runs anywhere.
name: desired state
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
  pull-requests: write # for the comment
concurrency:
  group: \${{ github.workflow }}-\${{ github.ref }}
  cancel-in-progress: true
jobs:
  check:
    runs-on: ubuntu-latest # or one of your own that has reconcile: then the two steps that get it can go
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0 # the plan compares with an older commit
          ref: \${{ github.event.pull_request.head.sha || github.sha }}
      - uses: actions/setup-node@v4
        with:
          node-version: 24
      - name: get reconcile
        env:
          # What \`npm install\` takes: a tarball of yours (\`npm pack\`) by its URL or path, or a Git URL. Set it in the
          # repository's variables.
          RECONCILED_PACKAGE: \${{ vars.RECONCILED_PACKAGE }}
        run: |
          if [ -z "$RECONCILED_PACKAGE" ]; then
            echo "::error::set the variable RECONCILED_PACKAGE of this repository: what npm installs reconcile from"
            exit 1
          fi
          npm install --global "$RECONCILED_PACKAGE"
      - name: check
        env:
          SINCE: \${{ github.event.pull_request.base.sha || github.event.before }}
        run: |
          code=0
          NO_COLOR=1 ci/check.sh "$SINCE" >plan.txt 2>&1 || code=$?
          cat plan.txt
          { echo '### What this would do'; echo '\`\`\`'; head -c 60000 plan.txt; echo '\`\`\`'; } >plan.md
          cat plan.md >>"$GITHUB_STEP_SUMMARY"
          exit "$code"
      - name: post the plan
        # Who sends a change from a fork may not comment: there it is in the summary alone.
        if: always() && github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository
        env:
          GH_TOKEN: \${{ github.token }}
          PR: \${{ github.event.pull_request.html_url }}
        run: |
          [ -e plan.md ] || exit 0
          gh pr comment "$PR" --edit-last --body-file plan.md || gh pr comment "$PR" --body-file plan.md
`;
