# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""brdnn-run: what it passes on, what it reports, and what it warns of."""

import os
import pathlib
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

import pytest

import brdnn_run
import loaded
import tally

RUN = pathlib.Path(brdnn_run.__file__)

# A stand-in for oneDNN: all that brdnn-run looks at.
FAKE_ONEDNN = """
#include <stddef.h>
typedef struct { int major, minor, patch; const char *hash; unsigned cpu, gpu; } version_t;
const char *text = "onednn_verbose,v1";
const version_t *dnnl_version(void) {
    static const version_t version = {3, MINOR, 2, "", RUNTIME, 0};
    return &version;
}
unsigned _ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi(int level) { return level * CACHE; }
"""
CALLER = """
#include <unistd.h>
const void *dnnl_version(void);
int main(void) { sleep(1); return dnnl_version() == 0; }
"""
LOADER = """
#include <dlfcn.h>
#include <unistd.h>
int main(int argc, char **argv) { void *it = dlopen(argv[1], RTLD_NOW); sleep(1); return !it; }
"""
STATIC = """
#include <stdio.h>
#include <unistd.h>
int main(void) { puts("onednn_verbose, or so, " PLUGIN); return sleep(1); }
"""
EXEC = ("onednn_verbose,v1,primitive,exec,cpu,convolution,{impl},{prop},"
        "src:f32:a:blocked:abcd::f0 wei:f32:a:blocked:abcd::f0 dst:f32:a:blocked:abcd::f0,,"
        "alg:convolution_direct,{shape},{ms}")
DECLINE = ("onednn_verbose,v1,primitive,create:dispatch,convolution,cpu,convolution,{impl},{prop},"
           "src:f32:a:any:any::f0 wei:f32:a:any:any::f0 dst:f32:a:any:any::f0,,"
           "alg:convolution_direct,{shape},{reason},plugin/somewhere.hpp:1")


def compiled(path, source, *options):
    """Compile a C program or library and return its path."""
    subprocess.run(["gcc", "-x", "c", "-", "-o", str(path), *options], input=source, text=True,
                   check=True)
    return path


def fake_onednn(folder, soname="libdnnl.so.3.6", minor=7, runtime=2, cache=32768):
    """Make a folder with a libdnnl in it, as ours is: libdnnl.so -> soname."""
    folder.mkdir()
    compiled(folder / soname, FAKE_ONEDNN, "-shared", "-fPIC", f"-Wl,-soname,{soname}",
             f"-DMINOR={minor}", f"-DRUNTIME={runtime}", f"-DCACHE={cache}")
    if soname != "libdnnl.so":
        (folder / "libdnnl.so").symlink_to(soname)
    return folder


@pytest.fixture(name="ours")
def fixture_ours(tmp_path):
    """A folder with a stand-in for our library."""
    return fake_onednn(tmp_path / "ours")


def run(library, *args, **kwargs):
    """Run brdnn-run with a library to its end; return what subprocess.run does."""
    return subprocess.run([sys.executable, str(RUN), "--library", str(library), *map(str, args)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          check=False, **kwargs)


@pytest.mark.parametrize("report", [[], ["--report"]])
def test_passes_status_output_and_input_on(ours, report):
    script = "read line; echo \"$line\" \"$1\"; echo error >&2; exit 7"
    done = run(ours, *report, "sh", "-c", script, "sh", "--report", input="hello\n")
    assert done.returncode == 7
    assert done.stdout == "hello --report\n"
    assert done.stderr.startswith("error\n")


def test_options_before_the_command_only(ours):
    assert run(ours, "--", "printf", "%s ", "--report", "--").stdout == "--report -- "
    assert run(ours).returncode == 2
    assert "usage: brdnn-run" in run(ours, "--help").stdout


def test_puts_the_library_first(ours):
    echo = ["sh", "-c", "echo $LD_LIBRARY_PATH"]
    assert run(ours, *echo, env={**os.environ, "LD_LIBRARY_PATH": "/a"}).stdout == f"{ours}:/a\n"
    env = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    assert run(ours, *echo, env=env).stdout == f"{ours}\n"


def test_commands_that_do_not_run(ours, tmp_path):
    done = run(ours, "no_such_command")
    assert (done.returncode, done.stderr) == (
        127, "brdnn-run: no_such_command: command not found.\n")
    assert run(ours, tmp_path).returncode == 126
    done = run(tmp_path / "nowhere", "true")
    assert done.returncode == 125
    assert "build it (make build)" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize("report", [[], ["--report"]])
def test_signals_are_passed_on(ours, number, report):
    def send(script):
        with subprocess.Popen([sys.executable, str(RUN), "--library", str(ours), *report,
                               sys.executable, "-c", script],
                              stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            return process.wait(30), process.stdout.read()
    wait = "import signal, time; {}; print('ready', flush=True); time.sleep(30)"
    assert send(wait.format(f"signal.signal({int(number)}, signal.SIG_DFL)")) == (-number, "")
    handler = f"signal.signal({int(number)}, lambda *_: (print('heard', flush=True), exit(3)))"
    assert send(wait.format(handler)) == (3, "heard\n")


def in_terminal(command, keys=b""):
    """Run a command in front of a terminal; return its status and what the terminal shows.

    keys: typed when 'ready' is seen.
    """
    ours, theirs = pty.openpty()
    # Not pty.fork(): pytest has loaded PyTorch, whose threads a fork doesn't take along.
    with subprocess.Popen(["setsid", "--ctty", *command], stdin=theirs, stdout=theirs,
                          stderr=theirs) as process:
        os.close(theirs)
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        shown = b""
        while data := brdnn_run.read_some(ours):
            shown += data
            if keys and b"ready" in shown:
                os.write(ours, keys)
                keys = b""
        os.close(ours)
        status = process.wait()
        deadline.cancel()
    return status, shown.decode()


@pytest.mark.parametrize("report", [[], ["--report"]])
def test_terminal(ours, report):
    script = ("import os, signal, sys, time\n"
              "signal.signal(signal.SIGINT, lambda *_: (print('heard'), exit(4)))\n"
              "print(sys.stdout.isatty(), sys.stdin.isatty(), os.get_terminal_size(1).columns)\n"
              "print('ready')\n"
              "time.sleep(10)\n")
    status, shown = in_terminal(["sh", "-c", "stty cols 97; exec \"$@\"", "sh",
                                 sys.executable, str(RUN), "--library", str(ours), *report,
                                 sys.executable, "-c", script], b"\x03")
    assert status == 4
    assert "True True 97\r\n" in shown
    assert shown.count("heard\r\n") == 1  # Ctrl-C has come once


def test_can_be_interrupted_while_something_left_behind_writes(ours):
    """The command has ended, but what it has left has its output."""
    with subprocess.Popen([sys.executable, str(RUN), "--library", str(ours), "--report", "sh", "-c",
                           "sleep 20 & echo left"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"left\n"
        time.sleep(1)
        process.terminate()
        assert process.wait(timeout=10) == -signal.SIGTERM


def test_output_nobody_reads(ours):
    command = shlex.join([sys.executable, str(RUN), "--library", str(ours), "--report", "yes"])
    done = subprocess.run(command + " | head -n 1", shell=True, stdout=subprocess.PIPE, timeout=30,
                          check=True)
    assert done.stdout == b"y\n"


LINES = [EXEC.format(impl="brdnn:avx2", prop="forward_training", shape="x", ms=1.5),
         "onednn_verbose,v1,info,oneDNN v3.7.2"]
OWN = ["half a line, ", "onednn_verb is not the mark\nonednn_verbose\n", "\x00\xff", "o"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_filter_at_any_cut(size):
    written = "".join(own + line + "\n" for own, line in zip(OWN, LINES)) + "".join(OWN[2:])
    data = written.encode("latin-1")
    read = []
    lines = brdnn_run.Filter(read.append)
    own = b"".join(lines.feed(data[start:start + size]) for start in range(0, len(data), size))
    assert (own + lines.end()).decode("latin-1") == "".join(OWN)
    assert read == LINES


def test_filter_holds_nothing_back_in_vain():
    lines = brdnn_run.Filter(None)
    assert lines.feed(b"loss 0.25") == b"loss 0.25"
    assert lines.feed(b"\ronednn") == b"\r"
    assert lines.feed(b" ") == b"onednn "


def test_tally():
    counted = tally.Tally()
    for shape in ("p0", "p1", "p1"):
        counted.read(EXEC.format(impl="brdnn:avx2", prop="forward_training", shape=shape, ms=1))
    built_in = {"prop": "backward_data", "shape": "p2"}
    counted.read(DECLINE.format(impl="brdnn:avx512_core", reason="too dense, here", **built_in))
    counted.read(EXEC.format(impl="jit:avx2", ms=5, **built_in))
    counted.read(EXEC.format(impl="jit_uni_ncsp_convolution:conv+brdnn:avx2", ms=2,
                             prop="backward_weights", shape="p3"))
    counted.read(EXEC.replace(",convolution,", ",reorder,").format(
        impl="jit:uni", prop="undef", shape="2x3", ms=0.5))
    assert counted.rows() == [
        tally.Row("brdnn", "convolution forward", "", 3, 2, 3.0),
        tally.Row("wrapper", "convolution backward weights", "no reason was seen", 1, 1, 2.0),
        tally.Row("built-in", "convolution backward data", "too dense, here", 1, 1, 5.0)]
    assert counted.reorders == [1, 0.5]
    text = tally.report(counted)
    assert text.startswith("3 of 5 convolutions ran on brdnn, 3.0 of 10.0 ms.")
    assert "convolution backward data: too dense, here" in text


def test_read_library(ours, tmp_path):
    found = loaded.read_library(ours / "libdnnl.so")
    assert found[1:] == ("libdnnl.so.3.6", True, False)
    plain = compiled(tmp_path / "plain", "int main(void) { return 0; }")
    assert loaded.read_library(plain) == (str(plain), "", False, False)
    for content in (b"", b"#!/bin/sh", loaded.ELF_MAGIC + b"cut off"):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(ValueError):
            loaded.read_library(tmp_path / "other")


def test_says_nothing_where_all_is_well(ours, tmp_path):
    program = compiled(tmp_path / "caller", CALLER, f"-L{ours}", "-ldnnl")
    env = {**os.environ, "LD_LIBRARY_PATH": str(fake_onednn(tmp_path / "system"))}
    done = run(ours, program, env=env)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("theirs", [{"minor": 4}, {"runtime": 4}])
def test_other_version_of_the_same_soname(ours, tmp_path, theirs):
    program = compiled(tmp_path / "caller", CALLER, f"-L{ours}", "-ldnnl")
    system = fake_onednn(tmp_path / "system", **theirs)
    done = run(ours, program, env={**os.environ, "LD_LIBRARY_PATH": str(system)})
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "is oneDNN 3.7.2 OpenMP, this system's is 3." in done.stderr


def test_stock_that_sees_no_caches(ours, tmp_path):
    """What others warn of holds beside it."""
    program = compiled(tmp_path / "caller", CALLER, f"-L{ours}", "-ldnnl")
    system = fake_onednn(tmp_path / "system", cache=1)
    done = run(ours, program, env={**os.environ, "LD_LIBRARY_PATH": str(system)})
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "this system's libdnnl.so.3.6 computes wrong results" in done.stderr


def test_other_soname(ours, tmp_path):
    """From a grandchild, by dlopen, twice: said once."""
    other = fake_onednn(tmp_path / "other", "libdnnl.so.3", minor=4) / "libdnnl.so.3"
    program = compiled(tmp_path / "loader", LOADER, "-ldl")
    done = run(ours, "sh", "-c", f"{program} {other} & {program} {other}; true")
    assert done.stderr.count("\n") == 1
    assert f"{other} was loaded (libdnnl.so.3, oneDNN 3.4.2 OpenMP)" in done.stderr
    assert "ONEDNN_SOURCE" in done.stderr


def test_folder_in_the_program(ours, tmp_path):
    """RPATH goes before LD_LIBRARY_PATH; the advice that is given helps."""
    other = fake_onednn(tmp_path / "other")
    program = compiled(tmp_path / "caller", CALLER, f"-L{other}", "-ldnnl",
                       f"-Wl,--disable-new-dtags,-rpath,{other}")
    done = run(ours, program)
    assert "names the folder itself (RPATH)" in done.stderr
    advice = done.stderr.rpartition("LD_PRELOAD=")[2].rstrip(".\n")
    assert run(ours, program, env={**os.environ, "LD_PRELOAD": advice}).stderr == ""


def test_static(ours, tmp_path):
    program = compiled(tmp_path / "static", STATIC, "-DPLUGIN=\"\"")
    done = run(ours, program)
    assert f"{program} has a oneDNN of its own linked in" in done.stderr
    assert "Build PyTorch with it" in done.stderr


def test_static_with_brdnn(ours, tmp_path):
    program = compiled(tmp_path / "static", STATIC, "-DPLUGIN=\"brdnn:avx2\"")
    assert run(ours, program).stderr == ""


def test_report_without_onednn(ours):
    done = run(ours, "--report", "true")
    assert done.stderr == ("brdnn-run: no oneDNN was seen in the command, so there was nothing "
                           "to replace.\n")


TRAIN = """
import sys, torch
sys.stdout.write("begin, ")
sys.stdout.flush()
x = torch.randn(2, 3, 500, requires_grad=True)
conv = torch.nn.Conv1d(3, 5, 7)
for _ in range(2):
    conv(x).sum().backward()
print("end")
"""


def real_library():
    """Return the folder of the library under test; skip where it is the stock one."""
    folder = os.environ.get("LD_LIBRARY_PATH", "").split(":")[0]
    if not folder:
        pytest.skip("it is the library built here that brdnn-run puts in front")
    return folder


def test_report_of_pytorch():
    done = run(real_library(), "--report", sys.executable, "-c", TRAIN)
    assert (done.returncode, done.stdout) == (0, "begin, end\n")
    assert "6 of 6 convolutions ran on brdnn" in done.stderr
    for name in ("forward", "backward data", "backward weights"):
        assert re.search(rf"^ +2 +1 +[0-9.]+  brdnn +convolution {name}$", done.stderr, re.M)
    assert "reorders" in done.stderr


def test_report_of_pytorch_switched_off():
    done = run(real_library(), "--report", sys.executable, "-c", TRAIN,
               env={**os.environ, "BRDNN_ENABLE": "0"})
    assert "none of 6 convolutions" in done.stderr


def test_own_verbose_is_kept():
    done = run(real_library(), "--report", sys.executable, "-c", TRAIN,
               env={**os.environ, "ONEDNN_VERBOSE": "1"})
    assert "onednn_verbose,v1,primitive,exec,cpu,convolution,brdnn:" in done.stdout
    assert "6 of 6 convolutions ran on brdnn" in done.stderr
