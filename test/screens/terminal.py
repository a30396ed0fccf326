"""terminal.py COLUMNS SECONDS KEYS COMMAND...: runs a command in a terminal of its own that wide, and prints what it shows.

KEYS are typed once it has been there for SECONDS; without keys it is waited for. Its exit code is ours.
"""
import fcntl, os, pty, re, select, signal, struct, sys, termios, time

columns, seconds, keys, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    os.execvp(command[0], command)
begun, output, typed = time.time(), b"", keys == ""
while True:
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        if not read:
            break
        output += read
    if not typed and time.time() - begun > seconds:
        os.write(terminal, keys.encode().decode("unicode_escape").encode())
        typed = True
    if time.time() - begun > 120:
        os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
text = output.decode("utf8", "replace").replace("\r\n", "\n")
sys.stdout.write(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
