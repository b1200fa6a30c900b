"""Runs one command until it ends or its owner lets go, and leaves nothing of it behind.

    supervise.py --stop SIGNAL --grace SECONDS --remove DIRECTORY -- COMMAND...

The owner holds the other end of standard input. However it ends (a return, a panic, Ctrl-C, kill -9), the kernel
closes that end, and then the command is stopped and DIRECTORY removed. To keep DIRECTORY, the owner writes a line
first: "stop" (SIGNAL, then after SECONDS SIGKILL) or "kill" (SIGKILL to all at once, as if the machine had died).

A process group is not enough to find everything: each PostgreSQL backend is a group of its own. So this process
is a subreaper: whatever the command starts stays its descendant, also when what started it is gone.
"""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def parents():
    """The parent of each process, by pid."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    # The name, in parentheses, may itself hold spaces and parentheses.
                    found[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
    return found


def descendants():
    """Everything below this process that still runs or was not waited for."""
    parent, below = parents(), {os.getpid()}
    while True:
        more = {pid for pid, its_parent in parent.items() if its_parent in below} - below
        if not more:
            return below - {os.getpid()}
        below |= more


def kill_descendants():
    """Sends SIGKILL to everything below. One pass may miss a child that was just being started: see `bury`."""
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def bury():
    """Kills and waits until nothing is left below this process."""
    while True:
        kill_descendants()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def obey(command, options, ending):
    """Waits for the owner's word, or its end, and carries it out."""
    word = os.read(0, 16).strip().decode()
    ending["remove"] = not word
    if word != "kill":
        command.send_signal(options.stop)
        try:
            command.wait(options.grace)
        except subprocess.TimeoutExpired:
            pass
    while command.poll() is None:
        kill_descendants()
        try:
            command.wait(0.1)
        except subprocess.TimeoutExpired:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stop", type=lambda name: signal.Signals[name], required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--remove", required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    # Only the owner says when it ends: not the terminal's Ctrl-C, not a hang-up.
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def prepare():
        # Should even this process be killed, at least the command ends with it.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(ignored, signal.SIG_DFL)

    command = subprocess.Popen(options.command, stdin=subprocess.DEVNULL, preexec_fn=prepare)
    ending = {"remove": False}
    threading.Thread(target=obey, args=(command, options, ending), daemon=True).start()
    code = command.wait()
    bury()
    if ending["remove"]:
        shutil.rmtree(options.remove, ignore_errors=True)
    sys.exit(code if code >= 0 else 128 - code)


main()
