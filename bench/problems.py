# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""benchdnn problem strings: read lists of them, take them apart, name them."""

import collections
import re

# text: the string without its name. name: for people, unique in a list.
Problem = collections.namedtuple("Problem", "text name")

FIELD = re.compile(r"(mb|[gion][cdhw]?|k[dhw]|s[dhw]|p[dhw]|d[dhw])(\d+)")


def split_name(text):
    """Split 'ic3iw9...n"some:name"' into the shape and the name ('' if none)."""
    # Shape fields never contain 'n', so the first one starts the name.
    shape, _, name = text.partition("n")
    return shape.rstrip("_"), name.strip('"')


def transposed(line):
    """Turn a convolution's line of a list into the deconvolution that leads back.

    Input and output change places; filter, stride, dilation and padding stay.
    """
    shape, mark, name = line.partition("n")
    exchange = str.maketrans("io", "oi")
    return re.sub(r"[io](?=[cdhw]\d)", lambda found: found[0].translate(exchange),
                  shape) + mark + name


def fields(text):
    """Return the numbers of a shape by benchdnn's names, with its defaults.

    Dilation stays 0-based (dw=7 is dilation 8), as in benchdnn.
    """
    found = {key: int(value) for key, value in FIELD.findall(split_name(text)[0])}
    defaults = {"g": 1, "mb": 2, "sw": 1, "dw": 0}
    return {**defaults, **found}


def read_cases(lines):
    """Return the Problems of a list: one a line, '#' starts a comment."""
    problems = []
    taken_names = set()
    for line in lines:
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        if text.startswith("--"):
            raise ValueError(f"a list of problems holds no options: {text}")
        shape, name = split_name(text)
        name = name or shape
        if name in taken_names:
            name = f"{name} ({len(problems) + 1})"
        taken_names.add(name)
        problems.append(Problem(shape, name))
    return problems
