"""Talks with psql at a terminal of its own, and prints what the terminal showed.

Usage: terminal.py RELEASE psql ARGUMENTS…
"""

import os
import pathlib
import pty
import re
import select
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from ways import directly

PROMPT = r"\w+[=!*^-]*> $"
LIMIT_SECONDS = 30


class Terminal:
    def __init__(self, command):
        self.shown = ""
        self.at = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        self.wait(PROMPT)

    def read_some(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                some = os.read(self.fd, 65536)
            except OSError:  # the other end is closed
                some = b""
            self.shown += some.decode(errors="replace").replace("\r", "")
            return bool(some)
        return True

    def wait(self, pattern):
        """Waits until what came since the last wait ends with this."""
        until = time.monotonic() + LIMIT_SECONDS
        while not re.search(pattern, self.shown[self.at:]):
            if time.monotonic() > until or not self.read_some(1):
                print(self.shown)
                sys.exit(f"the terminal never showed {pattern!r}")
        self.at = len(self.shown)

    def say(self, keys, pattern=PROMPT):
        os.write(self.fd, keys.encode())
        self.wait(pattern)

    def line(self, text, pattern=PROMPT):
        self.say(text + "\n", pattern)


release, *command = sys.argv[1:]
terminal = Terminal(command)
terminal.line("\\set PROMPT1 '%/%R%x%# '")
terminal.line("SELECT id, sku FROM products ORDER BY id LIMIT 2;")
terminal.line("\\timing on")
terminal.line("SELECT 1;")
terminal.line("\\timing off")

# Tab asks the server for the names that fit; a second one lists them.
terminal.say("SELECT * FROM order_i\t", r"order_items ?$")
terminal.line("LIMIT 1;")
terminal.say("SELECT * FROM o\t\t", r"order_items[\s\S]*orders[\s\S]*FROM o(rder)?$")
terminal.say("\x15\\echo cleared\n", r"\ncleared\n\w+=> $")
terminal.say("\\d mon\t", r"monthly_revenue ?$")
terminal.line("")

# Several lines, and a transaction that fails, told by the prompt.
terminal.line("SELECT", r"-> $")
terminal.line("1;")
terminal.line("BEGIN;", r"\*=?> $|\*> $")
terminal.line("SELECT 1/0;", r"!> $")
terminal.line("SELECT 1;", r"!> $")
terminal.line("COMMIT;")

# Ctrl-C cancels the statement and nothing else.
terminal.line("SELECT pg_sleep(60) AS terminal;", r"terminal;\n")
with directly(autocommit=True) as watcher:
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%AS terminal;' AND state = 'active' AND pid <> pg_backend_pid()"
    until = time.monotonic() + LIMIT_SECONDS
    while watcher.execute(running).fetchone()[0] == 0:
        assert time.monotonic() < until, "the statement never ran"
terminal.say("\x03", r"canceling statement due to user request\n[\s\S]*> $")
terminal.line("SELECT 'still here' AS me;")

# \watch until Ctrl-C.
terminal.line("SELECT 'tick' AS clock \\watch 0.1", r"(tick[\s\S]*){3}")
terminal.say("\x03", PROMPT)
if release == "18":
    terminal.line("SELECT 'tock' AS clock \\watch i=0.05 c=3")
terminal.line("\\echo end")
os.write(terminal.fd, b"\\q\n")
while terminal.read_some(5):
    pass
os.close(terminal.fd)
_, status = os.waitpid(terminal.pid, 0)
shown = re.sub(r"Time: [\d.]+ ms", "Time: … ms", terminal.shown)
# When they ticked, how often, and what Ctrl-C interrupted is chance.
shown = re.sub(r"[A-Z][a-z]{2} [A-Z][a-z]{2} .*\(every [\d.]+s\)\n", "", shown)
shown = re.sub(r"(\\watch 0.1\n)[\s\S]*?(?=\n\w+=> )", r"\1(ticks)", shown)
print(shown)
sys.exit(os.waitstatus_to_exitcode(status))
