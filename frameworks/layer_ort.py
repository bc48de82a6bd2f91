# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The worker that runs layers in ONNX Runtime: layer_ort.py PROVIDER MODELS

MODELS is the folder that layer_models.py wrote. Tensors go in and out as numpy
arrays, through InferenceSession.run.
"""

import functools
import os
import pathlib
import sys

import numpy
import onnxruntime

import layer_worker
import layers


def prepare(provider, models, request):
    """Return the function that runs a layer's model once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(models / f"{request.layer.name}.onnx", options,
                                           providers=[provider])
    src = numpy.random.default_rng(0).standard_normal(layers.src_shape(request.layer),
                                                      dtype=numpy.float32)
    return functools.partial(session.run, None, {"src": src})


if __name__ == "__main__":
    layer_worker.serve(functools.partial(prepare, sys.argv[1], pathlib.Path(sys.argv[2])), None)
