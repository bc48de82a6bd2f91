# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0
"""Memory layouts that are compared, and the reorders that `any` costs.

A framework holds its tensors in ncw. When it asks for `any` and gets another
format, it pays a reorder of each input into that format and of each output
back. Those reorders are measured with benchdnn too, and added to `any`.
"""

import collections
import re

import benchdnn
import problems

# benchdnn's tags: abx is ncw (nchw, ncdhw), axb is nwc (nhwc, ndhwc).
LAYOUT_TAGS = {"ncw": ("abx", "abx"), "nwc": ("axb", "axb"), "any": ("any", "any")}

# What is read and written in ncw by the framework, per direction. Names are
# those of ONEDNN_VERBOSE. Weights are left out on both sides: forward and
# backward data pack them once, and weights are small beside the data.
INPUTS = {"FWD": ("src",), "BWD_D": ("dst",), "BWD_W": ("src", "dst")}
OUTPUTS = {"FWD": ("dst",), "BWD_D": ("src",), "BWD_W": ()}

# A reorder of one tensor: data type, 'NxCxW' dimensions, from tag, to tag.
Reorder = collections.namedtuple("Reorder", "dt dims source target")

MEMORY = re.compile(r"\b(?:diff_)?(src|wei|dst):([a-z0-9]+):[^:\s]*:blocked:(\w+):")


def direction_kind(direction):
    """Map benchdnn's --dir value to a key of INPUTS: FWD_B -> FWD."""
    for kind in INPUTS:
        if direction.upper().startswith(kind):
            return kind
    raise ValueError(f"unknown direction {direction}: use FWD_B, FWD_D, FWD_I, BWD_D, BWD_W "
                     "or BWD_WB")


def parse_create(line):
    """Read one 'create' line of ONEDNN_VERBOSE for a convolution, or None.

    Returns {'src': (data type, tag, dims), 'dst': ...}.
    """
    if ",convolution," not in line or ",create:cache_" not in line:
        return None
    memories = {name: (dt, tag) for name, dt, tag in MEMORY.findall(line)}
    if not {"src", "dst"} <= set(memories):
        return None  # a format without a tag: its reorder can't be named
    # The last two fields of the line are the shape and the time taken.
    shape = problems.fields(line.split(",")[-2])
    sizes = {"src": ["mb", "ic", "id", "ih", "iw"], "dst": ["mb", "oc", "od", "oh", "ow"]}
    return {name: (*memories[name], "x".join(str(shape[key]) for key in keys if key in shape))
            for name, keys in sizes.items()}


def same_memory(dims, tag, other):
    """Say whether two plain tags mean the same bytes (sizes of 1 don't count)."""
    def order(text):
        return [letter for letter in text if sizes[ord(letter) - ord("a")] != 1]

    sizes = [int(size) for size in dims.split("x")]
    plain = sorted("abcdef"[:len(sizes)])
    if sorted(tag) != plain or sorted(other) != plain:
        return tag == other
    return order(tag) == order(other)


def reorders_for(chosen, direction):
    """List the Reorders that a framework with ncw tensors pays for `chosen`."""
    kind = direction_kind(direction)
    paid = []
    for name in (*INPUTS[kind], *OUTPUTS[kind]):
        dt, tag, dims = chosen[name]
        plain = "abcdef"[:dims.count("x") + 1]
        if same_memory(dims, tag, plain):
            continue
        source, target = (plain, tag) if name in INPUTS[kind] else (tag, plain)
        paid.append(Reorder(dt, dims, source, target))
    return paid


def parse_chosen(lines, names):
    """Map each name of `names` to what parse_create read before its result line.

    The last creation of a problem counts: nested primitives are created before
    the one that holds them.
    """
    chosen = {}
    created = None
    for line in lines:
        result = benchdnn.RESULT_LINE.match(line)
        if result:
            name = result.group(4).rpartition("n")[2].strip('"')
            if created and name in names:
                chosen[name] = created
            created = None
        else:
            created = parse_create(line) or created
    return chosen


def reorder_lines(reorders):
    """Batch lines for benchdnn's reorder driver, one problem per Reorder."""
    return [f"--reset --sdt={r.dt} --ddt={r.dt} --stag={r.source} --dtag={r.target} "
            f"--allow-enum-tags-only=false {r.dims}" for r in reorders]
