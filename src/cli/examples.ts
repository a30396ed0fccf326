/** What stands below `reconcile --help`. */
export const EXAMPLES = `
Examples:
  reconcile --dry-run                 what would change? (exit code 2 when something would)
  reconcile                           make it so
  reconcile --only web worker         two services alone
  reconcile --only 'dolphin:*'        all services of a group
  reconcile plan --out friday.json    a plan to look at, and
  reconcile apply friday.json         to apply, as long as nothing has changed since
  reconcile stop web --for 2h         stop it now, and have it left so (default: holds.for, 1h); start ends that
  reconcile hold web --reason 'debug' do nothing to it, whatever happens (--for 2h, --until TIME)
  reconcile release web               as Git says again, also what somebody did with systemctl or supervisorctl
  reconcile capture web               write what it is now to Git's file: stopped, edited, enabled (--dry-run shows)
  reconcile freeze --reason 'audit'   change nothing, of all or of what is named (--for 2h, --until TIME)
  reconcile unfreeze                  go on
  reconcile approve                   what waits for an approval (confirm: true), and
  reconcile approve 3f0c9a1b2d        to have it done
  reconcile sync                      look for a new commit now, and apply it
  reconcile hook install              a push or commit tells the daemon at once (also: hook remove)
  reconcile status --json             for programs
  reconcile who web                   what looks like it, and who runs that; also of a pid, or a port (:8010)
  reconcile who --restarts web        who keeps restarting it? (watches for 10s, or --for 1m)
  reconcile history web --since 2h    what happened to it, and which run did it
  reconcile explain web               how it came to be as it is, and what to do next
  reconcile diff HEAD~1..             what the last commit does here
  reconcile alert test                do alerts arrive? (alerts in policy.yaml)
  reconcile install                   have systemd keep the daemon running; shows the unit first (--dry-run only shows)
  reconcile rollback                  back to the last commit of which everything stayed well, until the next one
  reconcile retry                     try again what was rolled back
  reconcile daemon                    stay, watch the files, and keep the services running

Exit codes: 0 nothing to do or done, 1 error, 2 changes pending (--dry-run, plan), 3 something failed or is held.
`;
