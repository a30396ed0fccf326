"""
Tells how the real supervisord reads configurations: lines of JSON on standard input, the path of a main configuration
each, and one line of JSON for each on standard output: its programs by name, or why it was not read.
"""
import json
import os
import shlex
import sys

from supervisor.options import ServerOptions

sys.stdin.reconfigure(encoding='utf-8')
sys.stdout.reconfigure(encoding='utf-8')


def told(value):
    return value if value is None or isinstance(value, (str, int, bool)) else getattr(value, '__name__', str(value))


def programs(path):
    options = ServerOptions()
    options.configfile = path
    options.here = os.path.dirname(path)
    section = options.read_config(path)
    found = {}
    for group in section.process_group_configs:
        for process in group.process_configs:
            names = [name for name in process.req_param_names if name != 'command']
            found[process.name] = {
                **{name: told(getattr(process, name)) for name in names},
                'group': group.name,
                'argv': shlex.split(process.command),
                'environment': process.environment,
                'exitcodes': list(process.exitcodes),
            }
    sockets = [[config['file'], config['chmod']] for config in section.server_configs]
    main = {name: getattr(section, name) for name in ('logfile', 'logfile_maxbytes', 'logfile_backups', 'pidfile', 'minfds', 'minprocs')}
    return {'programs': found, 'warnings': options.parse_warnings, 'sockets': sockets, 'main': main}


for line in sys.stdin:
    try:
        answer = programs(json.loads(line))
    except (Exception, SystemExit) as error:
        answer = {'error': repr(error)}
    print(json.dumps(answer), flush=True)
