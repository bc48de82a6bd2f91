#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Includes in src/ point down only: a folder may use those before it and itself."""

import pathlib
import re
import unittest

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "src"
LAYERS = ("brgemm", "pack", "finish", "conv", "")  # from the lowest; "": src/ itself, the public functions
INCLUDE = re.compile(r'^#\s*include\s+"([^"]+)"', re.MULTILINE)
PUBLIC = "brdnn.h"


def layer_of(path):
    """The folder of a path below src/; '' for src/ itself."""
    return path.rpartition("/")[0]


def faults_of(path, text):
    """What is wrong with the includes of a file: a list of sentences."""
    own, faults = layer_of(path), []
    if own not in LAYERS:
        return [f"{path} is in no layer"]
    for included in INCLUDE.findall(text):
        if included == PUBLIC:
            if own == "brgemm":
                faults.append(f"{path} includes {included}: kernels know no public header")
        elif layer_of(included) not in LAYERS or not (SOURCES / included).is_file():
            faults.append(f"{path} includes {included}, which is no path below src/")
        elif LAYERS.index(layer_of(included)) > LAYERS.index(own):
            faults.append(f"{path} includes {included}, which is above it")
    return faults


class Layers(unittest.TestCase):
    def test_includes_point_down(self):
        files = [file for file in SOURCES.rglob("*") if file.suffix in (".c", ".h")]
        self.assertGreater(len(files), 20)
        faults = [fault for file in files
                  for fault in faults_of(file.relative_to(SOURCES).as_posix(),
                                         file.read_text(encoding="utf-8"))]
        self.assertEqual(faults, [])

    def test_faults_are_found(self):
        for path, text in (("brgemm/amx.c", '#include "pack/src.h"'),
                           ("brgemm/amx.c", '#include "brdnn.h"'),
                           ("pack/src.c", '#  include "conv/geometry.h"'),
                           ("pack/src.c", '#include "src.h"'),
                           ("extra/file.c", "")):
            self.assertEqual(len(faults_of(path, text)), 1, (path, text))
        self.assertEqual(faults_of("conv/geometry.c", '#include "brdnn.h"\n#include "pack/src.h"'), [])


if __name__ == "__main__":
    unittest.main()
