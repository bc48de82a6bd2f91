# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Find out which oneDNN the processes of a command load.

Their memory maps are looked at while they run, so nothing of ours runs in
them. What a process loads and ends with between two looks is missed.
"""

import collections
import ctypes
import mmap
import os
import re
import struct
import subprocess
import sys
import threading

# What oneDNN and the plugin print in verbose output is in their read-only data.
ONEDNN_TEXT = b"onednn_verbose"
PLUGIN_TEXT = b"brdnn:"
# The library's name, also where a package has put a hash into it.
LIBRARY_NAME = re.compile(r"lib(dnnl|mkldnn|onednn)[^/]*\.so[^/]*$")

# Seconds between two looks: short at first, when libraries are loaded.
FIRST_LOOK, LAST_LOOK = 0.02, 1.0

# From the ELF specification, 64-bit.
ELF_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
ELF_SECTION = struct.Struct("<IIQQQQIIQQ")
ELF_DYNAMIC = struct.Struct("<qQ")
DT_SONAME = 14

# path: the file. soname: its name for the loader, '' if it has none.
# onednn, plugin: whether oneDNN and brdnn are in it.
Library = collections.namedtuple("Library", "path soname onednn plugin")


def text_at(data, start):
    """Return the string that begins at `start` and ends with a zero byte."""
    return data[start:data.find(b"\0", start)].decode("utf-8", "replace")


def sections(data):
    """Return {name: (offset, size)} of the sections of a program or library."""
    header = ELF_HEADER.unpack_from(data)
    table, size, count, names = header[6], header[11], header[12], header[13]
    entries = [ELF_SECTION.unpack_from(data, table + size * i) for i in range(count)]
    return {text_at(data, entries[names][4] + entry[0]): entry[4:6] for entry in entries}


def soname(data, where):
    """Return the soname, '' if there is none. where: the sections."""
    if ".dynamic" not in where:
        return ""
    offset, size = where[".dynamic"]
    for tag, value in ELF_DYNAMIC.iter_unpack(data[offset:offset + size]):
        if tag == DT_SONAME:
            return text_at(data, where[".dynstr"][0] + value)
    return ""


def read_library(path):
    """Return the Library in a file; raise OSError or ValueError if it is none."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:len(ELF_MAGIC)] != ELF_MAGIC:
            raise ValueError(f"{path} is no 64-bit ELF file")
        try:
            where = sections(data)
            offset, size = where.get(".rodata", (0, 0))
            return Library(str(path), soname(data, where),
                           data.find(ONEDNN_TEXT, offset, offset + size) >= 0,
                           data.find(PLUGIN_TEXT, offset, offset + size) >= 0)
        except (struct.error, IndexError, KeyError):
            raise ValueError(f"{path} has no sections to read") from None


class Version(ctypes.Structure):
    """dnnl_version_t."""

    _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int),
                ("hash", ctypes.c_char_p), ("cpu_runtime", ctypes.c_uint),
                ("gpu_runtime", ctypes.c_uint)]


# What oneDNN thinks of a core's caches, in its own C++: unsigned get_per_core_cache_size(int level).
CACHE_SIZE = "_ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi"
LEAST_CACHE_BYTES = 4096

CPU_RUNTIMES = {1: "sequential", 2: "OpenMP", 4: "TBB", 8: "threadpool"}


# What a libdnnl says of itself. version: (version, threading), such as ('3.7.2', 'OpenMP'), or None.
# sees_no_caches: whether it takes the CPU for one without caches, and so computes wrong results. That is so
# where CPUID tells no sizes of caches. False where it can't be had.
Answers = collections.namedtuple("Answers", "version sees_no_caches")


def print_answers(name):
    """Load a libdnnl and print '3.7.2 OpenMP', and then bytes of cache. Runs in a process of its own."""
    library = ctypes.CDLL(name)
    function = library.dnnl_version
    function.restype = ctypes.POINTER(Version)
    found = function().contents
    print(f"{found.major}.{found.minor}.{found.patch}",
          CPU_RUNTIMES.get(found.cpu_runtime, "unknown threading"), flush=True)
    print(library[CACHE_SIZE](1))


def ask(name, env):
    """Return the Answers of a libdnnl.

    name: a path, or a soname to be found as a program with environment `env` would.
    """
    try:
        output = subprocess.run([sys.executable, __file__, name], env=env, timeout=60, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        output = ""
    version, cache_bytes = (*output.splitlines(), "", "")[:2]
    return Answers(tuple(version.split(" ", 1)) if version else None,
                   cache_bytes.isdigit() and int(cache_bytes) < LEAST_CACHE_BYTES)


def children(pid):
    """Return the process ids of a process's children."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        pass  # it has ended
    return found


def mapped_files(pid):
    """Return the paths of the program and libraries that a process has mapped."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as maps:
            fields = [line.rstrip("\n").split(maxsplit=5) for line in maps]
    except OSError:
        return set()  # it has ended, or has become another user's
    return {entry[5] for entry in fields if len(entry) == 6 and "x" in entry[1]
            and entry[5].startswith("/")}


class Watch(threading.Thread):
    """Looks at a process and all below it until stopped, and tells which oneDNN they load."""

    def __init__(self, pid, tell):
        """tell: called in this thread with the Library of each file that holds oneDNN, once."""
        super().__init__(daemon=True)
        self._pid, self._tell = pid, tell
        self._seen = set()
        self._end = threading.Event()

    def run(self):
        delay = FIRST_LOOK
        while not self._end.wait(delay):
            self.look()
            delay = min(1.5 * delay, LAST_LOOK)

    def look(self):
        """Tell of what has been loaded since the last look."""
        todo = [self._pid]
        while todo:
            pid = todo.pop()
            todo += children(pid)
            for path in mapped_files(pid) - self._seen:
                self._seen.add(path)
                try:
                    library = read_library(path)
                except (OSError, ValueError):
                    continue
                if library.onednn or LIBRARY_NAME.search(path):
                    self._tell(library)

    def stop(self):
        """Look no more; returns when the last look has ended."""
        self._end.set()
        self.join()


if __name__ == "__main__":
    print_answers(sys.argv[1])
