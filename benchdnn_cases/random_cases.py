# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Random small problems for benchdnn, as users call oneDNN.

Each tensor's format is given or `any`, channels and filters are odd and leave
tails as often as not, and whatever else a descriptor or an attribute may say
is mixed in. A line holds all options of its own, so any of them can be run alone.
"""

import random

import problems

CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 17, 25, 31, 32, 33, 64)
FILTERS = (1, 2, 15, 16, 30, 33, 40, 47, 50, 60, 64, 70, 90, 100, 105, 130, 200, 257, 300, 514, 600)
TAPS = (1, 2, 3, 4, 5, 7, 9, 16, 33, 51)
MOST_PRODUCTS = 1 << 21  # of a problem, so that plain loops take milliseconds

DIRECTIONS = ("FWD_B", "FWD_D", "FWD_I", "BWD_D", "BWD_W", "BWD_WB")
TYPES = {"F": ("bf16", "bf16:bf16:f32"), "BWD_D": ("bf16", "f32:bf16:bf16"),
         "BWD_W": ("bf16", "bf16:f32:bf16")}
DATA_TAGS = ("any", "abx", "axb")
WEIGHTS_TAGS = ("any", "any", "any", "abx", "axb", "xba", "bax")
POST_OPS = ("sum", "sum:0.5", "relu", "tanh", "clip:-2:3", "linear:1:2", "add:f32:per_oc",
            "mul:f32:per_oc", "add:f32:per_tensor", "add:f32:common", "prelu:per_oc",
            "sum+add:f32:per_oc+relu", "relu+sum:0.5", "mul:f32:per_tensor+add:f32:per_tensor")


def often(draw, share):
    """True in that share of the cases, 0 to 1."""
    return draw.random() < share


def sizes(draw):
    """Return {field: number} of a 1D convolution with at least one output."""
    groups = 1 if often(draw, 0.75) else draw.choice((2, 3, 5, 16))
    ic = draw.choice(CHANNELS) if often(draw, 0.6) else draw.randint(1, 70)
    oc = draw.choice(FILTERS) if often(draw, 0.6) else draw.randint(1, 130)
    if groups > 1:
        ic, oc = (1, draw.randint(1, 2)) if often(draw, 0.5) else (min(ic, 20), min(oc, 20))
    kw = draw.choice(TAPS)
    stride = 1 if often(draw, 0.6) else draw.randint(2, 5)
    dilation = 0 if often(draw, 0.6) else draw.randint(1, 8)
    reach = (kw - 1) * (dilation + 1) + 1
    left = draw.choice((0, reach // 2, reach - 1, draw.randrange(reach)))
    mb = draw.randint(1, 3)
    most = MOST_PRODUCTS // (mb * groups * ic * oc * kw)
    outputs = max(1, min(draw.choice((1, 7, 16, 33, 100, 257, 1000)), most))
    # What the last output reads beyond src is padding on the right; a stride may leave positions unread.
    right = draw.choice((0, reach // 2, reach - 1, draw.randrange(reach)))
    unread = draw.randrange(stride) if right == 0 else 0
    width = max(1, (outputs - 1) * stride + reach - left - right + unread)
    return {"g": groups, "mb": mb, "ic": groups * ic, "iw": width, "oc": groups * oc,
            "ow": outputs, "kw": kw, "sw": stride, "pw": left, "dw": dilation}


def as_2d(shape):
    """Give a shape a height of 1, which is how frameworks send 1D convolutions."""
    flat = {"iw": "ih1", "ow": "oh1", "kw": "kh1", "pw": "ph0"}
    return "".join(flat.get(key, "") + f"{key}{number}" for key, number in shape.items())


def options(draw):
    """Return the options of one problem."""
    direction = draw.choice(DIRECTIONS)
    kind = "F" if direction.startswith("FWD") else direction.removesuffix("B")
    words = ["--reset", f"--dir={direction}"]
    is_f32 = often(draw, 0.65)
    words.append(f"--dt={'f32' if is_f32 else draw.choice(TYPES[kind])}")
    stag = draw.choice(DATA_TAGS)
    dtag = stag if often(draw, 0.7) else draw.choice(DATA_TAGS)
    words += [f"--stag={stag}", f"--wtag={draw.choice(WEIGHTS_TAGS)}", f"--dtag={dtag}"]
    if kind == "F" and often(draw, 0.3):
        words.append(f"--attr-post-ops={draw.choice(POST_OPS)}")
    if is_f32 and often(draw, 0.15):
        words.append(f"--attr-fpmath={draw.choice(('bf16', 'tf32'))}")
    if often(draw, 0.1):
        words.append("--attr-scratchpad=user")
    return words


def lines(count, seed, driver):
    """Return `count` lines for a batch file of the driver, 'conv' or 'deconv'."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        words = options(draw)
        shape = sizes(draw)
        text = (as_2d(shape) if often(draw, 0.3)
                else "".join(f"{key}{number}" for key, number in shape.items()))
        made.append(" ".join([*words, problems.transposed(text) if driver == "deconv" else text]))
    return made
