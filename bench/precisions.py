# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The precisions that are compared: types of tensors, and how f32 may be multiplied."""

import collections
import pathlib

LACKING = 77  # exit status where this CPU can't do what was asked for

# dt: types of tensors. variables: of the environment; both sides get them, and the
# built-in ignores those that it doesn't know. needs: flags of /proc/cpuinfo of which
# one must be there, none: any CPU does. peaks: what bounds it, best first: kind of the
# peak program, and how many of its products stand for one of these.
Precision = collections.namedtuple("Precision", "name dt variables needs peaks")

BF16_PEAKS = (("bf16_amx", 1), ("bf16_dot", 1), ("f32_fma", 1))
BF16_FLAGS = ("amx_bf16", "avx512_bf16")
FPMATH, F32 = "ONEDNN_DEFAULT_FPMATH_MODE", "BRDNN_F32"

PRECISIONS = {precision.name: precision for precision in (
    Precision("f32", "f32", {}, (), (("f32_fma", 1),)),
    Precision("bf16", "bf16", {}, BF16_FLAGS, BF16_PEAKS),
    # f32 tensors: as three parts of bf16, as two, and rounded to bf16.
    Precision("amx", "f32", {F32: "amx"}, ("amx_bf16",), (("bf16_amx", 6),)),
    Precision("tf32", "f32", {FPMATH: "TF32"}, ("amx_bf16",), (("bf16_amx", 3),)),
    Precision("bf16math", "f32", {FPMATH: "BF16"}, BF16_FLAGS, BF16_PEAKS),
)}


class LackingError(Exception):
    """A sentence for the user: this CPU can't do it."""


def of_types(dt):
    """The Precision of benchdnn's data types, as 'bf16:bf16:f32', on any CPU."""
    types = set(dt.split(":"))
    alike = PRECISIONS["bf16" if "bf16" in types else "f32"]
    peaks = alike.peaks if types <= {"f32", "bf16"} else ()
    return Precision(dt, dt, {}, (), peaks)


def cpu_flags():
    """What Linux says that the CPU has."""
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.split())


def is_possible(precision):
    """Say whether this CPU can do a Precision."""
    return not precision.needs or not cpu_flags().isdisjoint(precision.needs)


def check(precision):
    """Raise LackingError where this CPU can't do a Precision."""
    if not is_possible(precision):
        raise LackingError(f"precision {precision.name}: this CPU has no "
                           + " and no ".join(precision.needs))


def environment(precision, env):
    """Return `env` so that it asks for a Precision, whatever the caller's asked for."""
    others = {name: value for name, value in env.items() if name not in (FPMATH, F32)}
    return {**others, **precision.variables}


def fpmath(precision):
    """benchdnn's name of the math mode: it sets its own, whatever the environment says."""
    return precision.variables.get(FPMATH, "strict").lower()
