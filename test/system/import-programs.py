"""
Is what was imported the same to supervisord? One request of JSON a line: two configurations, which process of the one
became which of the other, and what its service has besides. One answer a line: what differs, in words; nothing where
nothing does. Both are loaded by supervisor's own ServerOptions.

Alike are, besides what is equal: a file that supervisord makes up (AUTO) and one in the folder of logs; NONE and
/dev/null; two outputs that write to one file and one that is redirected into the other; no directory, umask or user and
that of supervisord itself; numbers below 0 and 0. A process of ours has the fixed base and its stamps in its environment
besides, and its secrets from a file, which sh reads before it becomes the command.
"""
import json
import os
import re
import shlex
import subprocess
import sys

from supervisor import options
from supervisor.datatypes import Automatic, name_to_uid

BASE = {'PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG'}
SAME = (
    'autostart stopsignal stopasgroup killasgroup serverurl stdout_capture_maxbytes '
    'stdout_events_enabled stderr_capture_maxbytes stderr_events_enabled stdout_syslog stderr_syslog'
).split()
COUNTS = 'startsecs startretries stopwaitsecs'.split()
STDERR = {'stderr_capture_maxbytes', 'stderr_events_enabled', 'stderr_syslog'}


def load(path, environment):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir('/')
    server = options.ServerOptions()
    # Plugins are loaded by supervisord alone.
    server.import_spec = lambda spec: spec
    server.here = os.path.abspath(os.path.dirname(path))
    server.configfile = path
    section = server.read_config(path)
    found = {}
    for group in section.process_group_configs:
        for process in group.process_configs:
            found[group.name, process.name] = (group, process)
    return section, found


def restart(value):
    return getattr(value, '__name__', bool(value))


class Side:
    """What one process is, in one form for both sides."""

    def __init__(self, section, group, process, logs):
        self.section, self.group, self.process = section, group, process
        # Where supervisord itself is by then.
        self.base = os.path.join('/', not section.nodaemon and section.directory or '/')
        self.directory = os.path.normpath(os.path.join(self.base, process.directory or ''))
        self.argv = shlex.split(process.command)
        if '/' in self.argv[0]:
            self.argv[0] = os.path.normpath(os.path.join(self.directory, self.argv[0]))
        self.environment = dict(process.environment)
        self.umask = (section.umask if process.umask is None else process.umask) & 0o777
        runs_as = name_to_uid(section.user) if section.user else os.getuid()
        self.uid = runs_as if process.uid is None else process.uid
        self.stdout = self.log(process.stdout_logfile, logs)
        self.stderr = self.log(process.stderr_logfile, logs)
        self.redirected = process.redirect_stderr
        told = process.stderr_syslog or process.stderr_events_enabled or process.stderr_capture_maxbytes
        if self.stdout == self.stderr and self.stdout not in ('AUTO',) and not told and not self.redirected:
            self.redirected = True
        if self.redirected:
            self.stderr = self.stdout

    def log(self, value, logs):
        if value is None:
            return '/dev/null'
        if value is Automatic:
            return 'AUTO'
        path = os.path.normpath(os.path.join(self.base, value))
        return 'AUTO' if path.startswith(logs + '/') else path

    def sizes(self, stream, path):
        if path.startswith('/dev/') or (stream == 'stderr' and self.redirected):
            return None
        return tuple(
            max(0, getattr(self.process, '%s_logfile_%s' % (stream, what))) for what in ('maxbytes', 'backups')
        )


def unwrapped(side, argv, variables):
    """The command behind what sets variables before it."""
    side.environment.update(variables)
    while side.argv != argv:
        if side.argv[:2] == ['/bin/sh', '-c'] and side.argv[3:4] == ['reconciled']:
            side.argv = side.argv[4:]
        elif side.argv[:4] == ['/usr/bin/nice', '-n', '0', '--']:
            side.argv = side.argv[4:]
        elif side.argv[0] == '/usr/bin/setpriv' and side.argv[3:5] == ['--init-groups', '--']:
            side.uid = int(side.argv[1][len('--reuid='):])
            side.argv = side.argv[5:]
        elif side.argv[:2] == ['/usr/bin/env', '--']:
            side.argv = side.argv[2:]
            while '=' in side.argv[0] and side.argv != argv:
                name, value = side.argv.pop(0).split('=', 1)
                side.environment[name] = value
        elif side.argv[:2] == ['/bin/sh', '-c'] and side.argv[2].startswith('exec '):
            script = "printf '%s\\0' " + side.argv[2][len('exec '):]
            told = subprocess.run(['/bin/sh', '-c', script], env=side.environment, capture_output=True, check=True)
            side.argv = told.stdout.decode().split('\0')[:-1]
        else:
            break
        if '/' in side.argv[0]:
            side.argv[0] = os.path.normpath(os.path.join(side.directory, side.argv[0]))


def differences(before, after, variables):
    unwrapped(after, before.argv, variables)
    said = []

    def same(name, one, other):
        if one != other:
            said.append('%s: %r -> %r' % (name, one, other))

    kinds = [type(side.group).__name__ for side in (before, after)]
    same('kind', *kinds)
    same('command', before.argv, after.argv)
    for name in ('directory', 'umask', 'uid', 'stdout', 'stderr', 'redirected'):
        same(name, getattr(before, name), getattr(after, name))
    for name in SAME:
        if name in STDERR and before.redirected and before.process.redirect_stderr:
            continue
        same(name, getattr(before.process, name), getattr(after.process, name))
    for name in COUNTS:
        same(name, *(max(0, getattr(side.process, name)) for side in (before, after)))
    same('autorestart', restart(before.process.autorestart), restart(after.process.autorestart))
    same('exitcodes', list(before.process.exitcodes), list(after.process.exitcodes))
    for stream in ('stdout', 'stderr'):
        same('%s rotation' % stream, *(side.sizes(stream, getattr(side, stream)) for side in (before, after)))
    ours = {
        name: value
        for name, value in after.environment.items()
        if not name.startswith('RECONCILED_') and (name in before.environment or name not in BASE)
    }
    extra = set(ours) - set(before.environment)
    # What a command has its secrets from.
    same('environment', before.environment, {name: ours[name] for name in ours if name not in extra or name not in variables})
    if kinds[0] == 'EventListenerPoolConfig':
        for name in ('buffer_size', 'result_handler'):
            same(name, getattr(before.group, name), getattr(after.group, name))
        same('events', *(sorted(map(str, side.group.pool_events)) for side in (before, after)))
    if kinds[0] == 'FastCGIGroupConfig':
        same('socket', *(repr(vars(side.group.socket_config)) for side in (before, after)))
    return said


def comes_before(one, other):
    """Groups by their priority, and within one its processes by theirs; what is equal is ordered by names alone."""
    if one.group is other.group:
        return one.process.priority < other.process.priority
    return one.group.priority < other.group.priority


def judge(before, after, logs, pairs, environment):
    sections = [load(path, environment) for path in (before, after)]
    answer, ordered, seen = [], [], set()
    for pair in pairs:
        sides = []
        for (section, found), key in zip(sections, (pair['before'], pair['after'])):
            if tuple(key) not in found:
                break
            sides.append(Side(section, *found[tuple(key)], logs))
        if len(sides) < 2:
            answer.append({'process': pair['before'], 'differs': ['it is not there']})
            continue
        seen.add(tuple(pair['before']))
        ordered.append(sides)
        answer.append({'process': pair['before'], 'differs': differences(*sides, pair['variables'])})
    for entry, (one, two) in zip(answer, ordered):
        for other, theirs in ordered:
            if comes_before(one, other) and not comes_before(two, theirs):
                entry['differs'].append('it came before %s' % other.process.name)
    missing = [list(key) for key in sections[0][1] if key not in seen]
    return answer + [{'process': key, 'differs': ['it was not imported']} for key in missing]


for line in sys.stdin:
    request = json.loads(line)
    try:
        print(json.dumps(judge(**request)), flush=True)
    except Exception as error:
        print(json.dumps({'error': '%s: %s' % (type(error).__name__, error)}), flush=True)
