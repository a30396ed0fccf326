"""What supervisord itself reads from a configuration: one request of JSON a line, one answer a line."""
import json
import os
import sys

from supervisor import options
from supervisor.datatypes import Automatic, name_to_uid

plain_expand = options.expand
last = None


class All(dict):
    """All variables, where a lone %s asks for them."""

    def __repr__(self):
        return '{...}'

    __str__ = __repr__


class Parser(options.UnhosedConfigParser):
    def __init__(self):
        super().__init__()
        global last
        last = self


def where_relative(check):
    """Whether a relative path is there depends on where supervisord was started."""

    def checked(value):
        expanded = os.path.expanduser(value)
        return check(value) if expanded.startswith('/') else expanded

    return checked


options.expand = lambda text, names, name: plain_expand(text, All(names), name)
options.UnhosedConfigParser = Parser
options.existing_directory = where_relative(options.existing_directory)
options.existing_dirpath = where_relative(options.existing_dirpath)
from supervisor import datatypes  # noqa: E402

datatypes.existing_dirpath = options.existing_dirpath

KINDS = {
    'ProcessGroupConfig': 'group',
    'EventListenerPoolConfig': 'eventlistener',
    'FastCGIGroupConfig': 'fcgi-program',
}
SERVER = (
    'minfds minprocs directory user umask logfile_maxbytes logfile_backups identifier nodaemon silent childlogdir '
    'nocleanup strip_ansi environment'
).split()
SAME = (
    'command directory umask priority autostart startsecs startretries stopwaitsecs stopasgroup killasgroup '
    'exitcodes redirect_stderr environment serverurl stdout_capture_maxbytes stdout_events_enabled '
    'stderr_capture_maxbytes stderr_events_enabled stdout_logfile_maxbytes stdout_logfile_backups stdout_syslog '
    'stderr_logfile_maxbytes stderr_logfile_backups stderr_syslog uid name'
).split()


def log(value):
    return 'AUTO' if value is Automatic else 'NONE' if value is None else value


def process(config):
    all_of_it = {name: getattr(config, name) for name in SAME}
    all_of_it['autorestart'] = {
        'RestartUnconditionally': True,
        'RestartWhenExitUnexpected': 'unexpected',
    }.get(getattr(config.autorestart, '__name__', ''), False)
    all_of_it['stopsignal'] = int(config.stopsignal)
    for output in ('stdout_logfile', 'stderr_logfile'):
        all_of_it[output] = log(getattr(config, output))
    return all_of_it


def listener(config):
    if config['family'] == options.socket.AF_INET:
        return {name: config[name] for name in ('section', 'host', 'port', 'username', 'password')}
    return {
        **{name: config[name] for name in ('section', 'username', 'password')},
        'path': config['file'],
        'mode': config['chmod'],
    }


def read(path, environment):
    os.environ.clear()
    os.environ.update(environment)
    server = options.ServerOptions()
    server.import_spec = lambda spec: spec
    server.here = os.path.abspath(os.path.dirname(path))
    server.configfile = path
    try:
        section = server.read_config(path)
        if section.user is not None:
            name_to_uid(section.user)
    except (ValueError, KeyError, OverflowError, options.ConfigParser.Error) as error:
        return {'refused': '%s: %s' % (type(error).__name__, error)}
    return {
        'sections': {name: dict(values) for name, values in last._sections.items()},
        'defaults': dict(last._defaults),
        'server': {
            **{name: getattr(section, name) for name in SERVER},
            'loglevel': section.loglevel,
            'logfile': section.logfile if section.logfile == 'syslog' else options.normalize_path(section.logfile),
            'pidfile': options.normalize_path(section.pidfile),
        },
        'groups': [
            {
                'kind': KINDS[type(group).__name__],
                'name': group.name,
                'priority': group.priority,
                'processes': [process(each) for each in group.process_configs],
            }
            for group in section.process_group_configs
        ],
        'listeners': [listener(each) for each in section.server_configs],
    }


for line in sys.stdin:
    request = json.loads(line)
    os.chdir('/')
    print(json.dumps(read(request['path'], request['environment'])), flush=True)
