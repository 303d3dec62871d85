"""Runs a command in a terminal of its own: python3 terminal.py COLUMNS ROWS COMMAND...

Standard input is typed into it; a line `\\x00resize COLUMNS ROWS` changes its size. All that it shows goes to standard output.
"""
import fcntl, os, pty, select, signal, struct, sys, termios

def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
resize(fd, int(sys.argv[1]), int(sys.argv[2]))
sources = [fd, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        typed = os.read(0, 65536)
        if not typed:
            sources.remove(0)
        elif typed.startswith(b'\x00resize '):
            columns, rows = typed[8:].split()
            resize(fd, int(columns), int(rows))
            os.kill(pid, signal.SIGWINCH)
        else:
            os.write(fd, typed)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
