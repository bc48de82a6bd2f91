# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Read oneDNN's verbose output: what ran, for how long, and why the plugin declined.

The lines are those of ONEDNN_VERBOSE=profile_exec,dispatch. A program's own
output may stand before a line of oneDNN's, when it had not ended its line.
"""

import collections

MARK = "onednn_verbose,"
PLUGIN_PREFIX = "brdnn:"
PLUGIN_WORD = "brdnn"
CONVOLUTIONS = ("convolution", "deconvolution")

# One execution. types: of src, wei and dst, 'f32:f32:f32'. problem: oneDNN's
# description of the shape. ms: milliseconds.
Run = collections.namedtuple("Run", "primitive impl prop_kind types attributes problem ms")

# Why one of the plugin's implementations was not used. What it has in common
# with a Run, key() tells.
Decline = collections.namedtuple("Decline", "primitive impl prop_kind types attributes problem "
                                            "reason")


def key(entry):
    """What the Run and the Decline of one convolution share."""
    return entry[:1] + entry[2:6]


def ran_by(impl):
    """Say who ran: 'plugin', 'wrapper' (a built-in that nests it) or 'built-in'."""
    if impl.startswith(PLUGIN_PREFIX):
        return "plugin"
    return "wrapper" if PLUGIN_WORD in impl else "built-in"


def split(line):
    """Part a line into (the program's own output, oneDNN's fields or None)."""
    own, mark, rest = line.partition(MARK)
    return (own, rest.split(",")) if mark else (line, None)


def data_types(descriptors):
    """'src:f32:a:blocked:abcd::f0 wei:...' -> 'f32:f32:f32' (src, wei, dst)."""
    found = dict(part.split(":", 2)[:2] for part in descriptors.split() if ":" in part)
    return ":".join(found.get(name, "undef") for name in ("src", "wei", "dst"))


def parse_run(line):
    """Return the Run of an execution's line, or None for any other line."""
    fields = split(line)[1]
    # v1, primitive, exec, engine, then the fields of the Run.
    if not fields or len(fields) < 11 or fields[1:3] != ["primitive", "exec"]:
        return None
    primitive, impl, prop_kind, descriptors, attributes = fields[4:9]
    try:
        ms = float(fields[-1])
    except ValueError:
        return None  # cut off, or written into by another thread
    return Run(primitive, impl, prop_kind, data_types(descriptors), attributes, fields[-2], ms)


def parse_decline(line):
    """Return the Decline of a line about the plugin's dispatch, or None for any other line."""
    fields = split(line)[1]
    # v1, primitive, create:dispatch, primitive, engine, then the fields of the
    # Decline; the reason may hold commas, and the last field is a place in the source.
    if not fields or len(fields) < 13 or fields[1:3] != ["primitive", "create:dispatch"]:
        return None
    primitive, impl, prop_kind, descriptors, attributes = fields[5:10]
    if not impl.startswith(PLUGIN_PREFIX):
        return None
    return Decline(primitive, impl, prop_kind, data_types(descriptors), attributes, fields[11],
                   ",".join(fields[12:-1]))
