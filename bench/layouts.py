# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Memory layouts that are compared, and the reorders that a choice of formats costs.

Where a side may choose a tensor's format, a framework pays a reorder if what is
chosen is not what it holds: ncw tensors and plain weights. Those reorders are
measured with benchdnn too, and added.
"""

import collections
import re

import benchdnn
import problems

# benchdnn's tags: abx is ncw (nchw, ncdhw), axb is nwc (nhwc, ndhwc).
LAYOUT_TAGS = {"ncw": ("abx", "abx"), "nwc": ("axb", "axb"), "any": ("any", "any")}

# What a direction reads and writes. Names are those of ONEDNN_VERBOSE, which
# leaves out that some are gradients. Biases are too small to count.
READ = {"FWD": ("src", "wei"), "BWD_D": ("dst", "wei"), "BWD_W": ("src", "dst")}
WRITTEN = {"FWD": ("dst",), "BWD_D": ("src",), "BWD_W": ("wei",)}

BYTES = {"f32": 4, "s32": 4, "bf16": 2, "f16": 2, "s8": 1, "u8": 1}

# dims: sizes in oneDNN's logical order, tag: their order in memory.
Tensor = collections.namedtuple("Tensor", "dt tag dims")

# A reorder of one tensor: data type, 'NxCxW' dimensions, from tag, to tag.
Reorder = collections.namedtuple("Reorder", "dt dims source target")

CREATE = re.compile(r",create:cache_\w+,[^,]*,(?:de)?convolution,")
MEMORY = re.compile(r"\b(?:diff_)?(src|wei|dst):([a-z0-9]+):[^:\s]*:blocked:(\w+):")


def direction_kind(direction):
    """Map benchdnn's --dir value to a key of READ and WRITTEN: FWD_B -> FWD."""
    for kind in READ:
        if direction.upper().startswith(kind):
            return kind
    raise ValueError(f"unknown direction {direction}: use FWD_B, FWD_D, FWD_I, BWD_D, BWD_W "
                     "or BWD_WB")


def parse_create(line):
    """Read one 'create' line of ONEDNN_VERBOSE for a (de)convolution, or None.

    Returns {'src': Tensor, 'wei': Tensor, 'dst': Tensor}; a tensor in a format
    without a tag is left out.
    """
    if not CREATE.search(line):
        return None
    # The last two fields of the line are the shape and the time taken.
    shape = problems.fields(line.split(",")[-2])
    axes = [axis for axis in "dhw" if "i" + axis in shape]
    groups = shape["g"]
    dims = {"src": [shape[key] for key in ("mb", "ic", *("i" + axis for axis in axes))],
            "dst": [shape[key] for key in ("mb", "oc", *("o" + axis for axis in axes))],
            "wei": [shape["oc"] // groups, shape["ic"] // groups,
                    *(shape["k" + axis] for axis in axes)]}
    found = {}
    for name, dt, tag in MEMORY.findall(line):
        if name == "wei" and rank(tag) > len(dims["wei"]):
            dims["wei"].insert(0, groups)
        found[name] = Tensor(dt, tag, "x".join(map(str, dims[name])))
    return found


def rank(tag):
    """Number of dimensions of a format: Abcd8a -> 4."""
    return len({letter for letter in tag.lower() if letter.isalpha()})


def size_of(tensor):
    """Bytes of a tensor's elements, without a format's padding; None: unknown type."""
    elements = 1
    for size in tensor.dims.split("x"):
        elements *= int(size)
    return elements * BYTES[tensor.dt] if tensor.dt in BYTES else None


def traffic(chosen, direction):
    """Return (bytes read, bytes written) when each tensor is touched once, or None."""
    kind = direction_kind(direction)
    sums = []
    for names in (READ[kind], WRITTEN[kind]):
        sizes = [size_of(chosen[name]) if name in chosen else None for name in names]
        if None in sizes:
            return None
        sums.append(sum(sizes))
    return tuple(sums)


def same_memory(dims, tag, other):
    """Say whether two plain tags mean the same bytes (sizes of 1 don't count)."""
    def order(text):
        return [letter for letter in text if sizes[ord(letter) - ord("a")] != 1]

    sizes = [int(size) for size in dims.split("x")]
    plain = sorted("abcdef"[:len(sizes)])
    if sorted(tag) != plain or sorted(other) != plain:
        return tag == other
    return order(tag) == order(other)


def held_tag(name, dims, driver, data_rank):
    """The format in which a framework holds a tensor.

    Frameworks keep the filters of a deconvolution by input channel first; what
    oneDNN calls its weights is a transposed view of that.
    """
    plain = "abcdef"[:dims.count("x") + 1]
    if name != "wei" or driver != "deconv":
        return plain
    first = len(plain) - data_rank  # behind the groups
    return plain[:first] + plain[first + 1] + plain[first] + plain[first + 2:]


def reorders_for(chosen, driver, direction, tags):
    """List the Reorders that a framework pays for `chosen`; None: can't be told.

    tags: (stag, dtag) as asked for. Data in a format that was asked for needs
    none. Weights are free to choose in every layout.
    """
    kind = direction_kind(direction)
    free = {"src": tags[0] == "any", "dst": tags[1] == "any",
            # Packed once for all calls of an inference, in every training step otherwise.
            "wei": kind != "FWD"}
    paid = []
    for name in (*READ[kind], *WRITTEN[kind]):
        if not free[name]:
            continue
        if not {name, "src"} <= set(chosen):
            return None  # a format without a tag: its reorder can't be named
        dt, tag, dims = chosen[name]
        held = held_tag(name, dims, driver, rank(chosen["src"].tag))
        if not same_memory(dims, tag, held):
            source, target = (held, tag) if name in READ[kind] else (tag, held)
            paid.append(Reorder(dt, dims, source, target))
    return paid


def reorder_lines(reorders):
    """Batch lines for benchdnn's reorder driver, one problem per Reorder."""
    return [f"--reset --allow-enum-tags-only=false --sdt={r.dt} --ddt={r.dt} --stag={r.source} "
            f"--dtag={r.target} {r.dims}" for r in reorders]
