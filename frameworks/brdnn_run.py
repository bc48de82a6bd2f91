#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Run a command with brdnn's oneDNN in front of the one it would load.

Says on standard error, in a sentence each, what keeps the command from
using it. Installed as brdnn-run.
"""

import argparse
import fcntl
import os
import pathlib
import resource
import signal
import subprocess
import sys
import termios
import threading

import loaded
import tally

LIBRARY = "libdnnl.so"
VERBOSE = "profile_exec,dispatch"
MARK = b"onednn_verbose,"

# As env, nice and timeout have them, for failures that are not the command's.
FAILED, CANT_RUN, NOT_FOUND = 125, 126, 127

FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,
             signal.SIGUSR2}
SI_KERNEL = 128

STATIC = ("{path} has a oneDNN of its own linked in, which can't be replaced. PyTorch's wheels "
          "from the package index are built so: take the distribution's python3-torch, or see "
          "'Build PyTorch with it' in brdnn's docs/frameworks.md.")
OTHER_SONAME = ("{path} was loaded ({name}) and not brdnn's {ours}, as the program asks for "
                "another soname: build brdnn from the same version of oneDNN, "
                "make build ONEDNN_SOURCE=<its source>.")
OTHER_PLACE = ("{path} was loaded ({name}) and not brdnn's {ours}, as the program names the "
               "folder itself (RPATH): put brdnn's in that folder, or set LD_PRELOAD={file}.")
OTHER_VERSION = ("brdnn's {soname} is oneDNN {ours}, this system's is {theirs}: build brdnn "
                 "from the same version, make build ONEDNN_SOURCE=<its source>.")
WRONG_STOCK = ("this machine's CPU tells no sizes of caches, and without brdnn this system's "
               "{soname} computes wrong results on it; brdnn's does not.")


def say(sentence):
    """Tell the user, apart from the command's own output."""
    print(f"brdnn-run: {sentence}", file=sys.stderr, flush=True)


class Failure(Exception):
    """A sentence for the user, and the exit status."""

    def __init__(self, sentence, status):
        super().__init__(sentence)
        self.status = status


def build_parser(folder):
    """Describe the command line. folder: of the library, without --library."""
    parser = argparse.ArgumentParser(
        prog="brdnn-run", usage="%(prog)s [-h] [--report] [--library FOLDER] COMMAND ...",
        description=__doc__.split("\n\n", 1)[0],
        epilog="The exit status is COMMAND's; 125, 126 and 127 say that it could not be run.")
    parser.add_argument("--report", action="store_true",
                        help="at the end, say on standard error how many convolutions ran on "
                             "brdnn and why the others did not")
    parser.add_argument("--library", metavar="FOLDER", type=pathlib.Path, default=folder,
                        help=f"the folder of {LIBRARY} (default: {folder})")
    parser.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER,
                        help="the command and its arguments")
    return parser


def find_library(folder):
    """Return our Library, or raise with advice."""
    path = folder.resolve() / LIBRARY
    try:
        return loaded.read_library(path)
    except (OSError, ValueError):
        raise Failure(f"there is no {LIBRARY} in {path.parent}: build it (make build), or name "
                      "its folder with --library.", FAILED) from None


def environment(folder, report):
    """Return the command's environment."""
    env = dict(os.environ)
    env["LD_LIBRARY_PATH"] = ":".join(filter(None, [str(folder), env.get("LD_LIBRARY_PATH")]))
    if report:
        env["ONEDNN_VERBOSE"] = ",".join(filter(None, [own_verbose(), VERBOSE]))
        env["ONEDNN_VERBOSE_TIMESTAMP"] = "0"
    return env


def own_verbose():
    """Return what the user has asked oneDNN to print, '' if nothing."""
    wish = os.environ.get("ONEDNN_VERBOSE", os.environ.get("DNNL_VERBOSE", ""))
    return "" if wish in ("0", "none") else wish


class Doubts:
    """Tells, once each, why what a command loads can't run on brdnn."""

    def __init__(self, ours):
        self._ours = ours
        self.any_onednn = False

    def hear(self, library):
        """Take in a Library with oneDNN in it that the command has loaded."""
        self.any_onednn = True
        if library.path == os.path.realpath(self._ours.path):
            self._check_stock()
        elif library.plugin:
            pass  # somebody has built it with brdnn
        elif loaded.LIBRARY_NAME.search(library.path):
            other = library.soname != self._ours.soname
            say((OTHER_SONAME if other else OTHER_PLACE).format(
                path=library.path, name=name(library), ours=name(self._ours),
                file=self._ours.path))
        else:
            say(STATIC.format(path=library.path))

    def _check_stock(self):
        """Look at the library of the same soname that would be loaded without us."""
        theirs, sees_no_caches = loaded.ask(self._ours.soname, dict(os.environ))
        ours = loaded.ask(self._ours.path, dict(os.environ)).version
        if sees_no_caches:
            say(WRONG_STOCK.format(soname=self._ours.soname))
        if theirs and ours and fits(theirs) != fits(ours):
            say(OTHER_VERSION.format(soname=self._ours.soname, ours=" ".join(ours),
                                     theirs=" ".join(theirs)))


def fits(version):
    """Return what two libraries must share to stand in for each other."""
    return version[0].split(".")[:2], version[1]


def name(library):
    """Return 'libdnnl.so.3.6, oneDNN 3.7.2 OpenMP', as far as it is known."""
    version = loaded.ask(library.path, dict(os.environ)).version
    return ", ".join([library.soname or "no soname"]
                     + (["oneDNN " + " ".join(version)] if version else []))


class Filter:
    """Parts oneDNN's lines from what a program writes, without holding back what is its own."""

    def __init__(self, read):
        """read: called with each line of oneDNN's, as text."""
        self._read = read
        self._held = b""

    def feed(self, data):
        """Take in the next bytes, return those that are the program's own."""
        data = self._held + data
        own = []
        while True:
            before, mark, rest = data.partition(MARK)
            if not mark:
                kept = unfinished(data)
                own.append(data[:len(data) - kept])
                self._held = data[len(data) - kept:]
                return b"".join(own)
            own.append(before)
            line, newline, data = rest.partition(b"\n")
            if not newline:
                self._held = mark + line
                return b"".join(own)
            self._read((mark + line).decode("utf-8", "replace"))

    def end(self):
        """Return what was held back in vain."""
        return b"" if self._held.startswith(MARK) else self._held


def unfinished(data):
    """Return how many bytes at the end may be the beginning of a mark."""
    return next((size for size in range(min(len(MARK) - 1, len(data)), 0, -1)
                 if MARK.startswith(data[-size:])), 0)


def read_some(descriptor):
    """Return the next bytes, b'' at the end."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""  # a pseudo-terminal that nobody has open any more


def write_all(descriptor, data):
    """Write all bytes."""
    while data:
        data = data[os.write(descriptor, data):]


def pass_on(source, read, keep):
    """Copy `source` to standard output; oneDNN's lines go to `read`, and on only with `keep`."""
    lines = Filter(read)
    try:
        while True:
            data = read_some(source)
            own = lines.feed(data) if data else lines.end()
            write_all(sys.stdout.fileno(), data if keep else own)
            if not data:
                break
    except OSError:
        pass  # nobody reads our output, and by closing the command is told
    finally:
        os.close(source)


def copy_window_size(terminal):
    """Give a pseudo-terminal the size of the terminal that is our standard output."""
    size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


def open_output():
    """Return (what to read, what the command writes to): a terminal if ours is one."""
    if not os.isatty(sys.stdout.fileno()):
        return os.pipe()
    ours, theirs = os.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST  # the real terminal does that
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    copy_window_size(theirs)
    return ours, theirs


def start(command, env, stdout, mask):
    """Start the command with the signal mask that we were started with."""
    try:
        return subprocess.Popen(
            command, env=env, stdout=stdout,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask))
    except FileNotFoundError:
        raise Failure(f"{command[0]}: command not found.", NOT_FOUND) from None
    except OSError as error:
        raise Failure(f"{command[0]} can't be run: {error.strerror}.", CANT_RUN) from None


def wait(process, terminal):
    """Pass signals on to the process until it ends; return its status as Popen has it."""
    while process.poll() is None:
        info = signal.sigwaitinfo(FORWARDED | {signal.SIGCHLD, signal.SIGWINCH})
        if info.si_signo == signal.SIGWINCH and terminal is not None:
            copy_window_size(terminal)
        # What the terminal sends, Ctrl-C for one, goes to all processes in front of it.
        elif info.si_signo in FORWARDED and info.si_code != SI_KERNEL:
            process.send_signal(info.si_signo)
    return process.returncode


def run(command, ours, report):
    """Run the command, say what is to be said; return its status as Popen has it."""
    env = environment(pathlib.Path(ours.path).parent, report)
    counted = tally.Tally()
    doubts = Doubts(ours)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK,
                                  FORWARDED | {signal.SIGCHLD, signal.SIGWINCH})
    source, sink = open_output() if report else (None, None)
    process = start(command, env, sink, mask)
    watch = loaded.Watch(process.pid, doubts.hear)
    watch.start()
    if not report:
        status = wait(process, None)
        watch.stop()
        return status
    keep = bool(own_verbose())
    reader = threading.Thread(target=pass_on, args=(source, counted.read, keep), daemon=True)
    reader.start()
    status = wait(process, sink if os.isatty(sink) else None)
    os.close(sink)
    # Whatever the command has left behind may go on writing. As in a pipe that is waited for, but not
    # against signals any more.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    reader.join()
    watch.stop()
    if counted.lines == 0 and not doubts.any_onednn:
        say("no oneDNN was seen in the command, so there was nothing to replace.")
    else:
        say(tally.report(counted))
    return status


def end_as(status):
    """End as the command did: return its exit status, or die by its signal."""
    if status >= 0:
        return status
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if -status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-status, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {-status})
    os.kill(os.getpid(), -status)
    return 128 - status


def has_avx2():
    """Say whether the processor has AVX2; True where that can't be told."""
    try:
        return "avx2" in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return True


def main(folder, argv=None):
    """Run from the command line; return the exit status. folder: of the library."""
    parser = build_parser(folder.resolve())
    args = parser.parse_args(argv)
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        parser.error("name a command to run")
    if not sys.platform.startswith("linux"):
        parser.error("brdnn is for Linux")
    if not has_avx2():
        say("this processor has no AVX2, so nothing will run on brdnn.")
    try:
        return end_as(run(command, find_library(args.library), args.report))
    except Failure as failure:
        say(failure)
        return failure.status


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parent.parent / "build" / "lib"))
