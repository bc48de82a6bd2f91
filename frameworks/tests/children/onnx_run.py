# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Run ONNX models with oneDNN's provider and with ONNX Runtime's own, and keep all results.

    onnx_run.py FOLDER

For each NAME.onnx in FOLDER, NAME.src.npz has sources, NAME.dst.npz gets the
results: the n-th source's are onednn_n and cpu_n. A line 'model NAME' is
printed before oneDNN's lines about it.
"""

import pathlib
import sys

import numpy
import onnxruntime


def run(model, sources, providers):
    """Results of one session that sees all sources in turn."""
    session = onnxruntime.InferenceSession(model, providers=[*providers, "CPUExecutionProvider"])
    return [session.run(None, {"x": src})[0] for src in sources]


def main():
    """Read the command line."""
    for model in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
        print("model", model.stem, flush=True)
        sources = numpy.load(model.with_suffix(".src.npz")).values()
        results = {f"{name}_{index}": result
                   for name, providers in (("onednn", ["DnnlExecutionProvider"]), ("cpu", []))
                   for index, result in enumerate(run(model, sources, providers))}
        numpy.savez(model.with_suffix(".dst.npz"), **results)


main()
