# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Write layers as ONNX models: layer_models.py FOLDER, and on stdin a layers.Layer a line, in JSON.

A process of its own, since Debian's modules onnx and onnxruntime don't go
together into one.
"""

import json
import pathlib
import sys

import numpy
import onnx
from onnx import helper, numpy_helper

import layers


def make_model(layer):
    """One node, weights as constants, every size fixed: what a runtime can prepare best."""
    random = numpy.random.default_rng(0)
    scale = numpy.float32((layer.ic // layer.groups * layer.kw) ** -0.5)
    wei = scale * random.standard_normal(layers.wei_shape(layer), dtype=numpy.float32)
    bias = random.standard_normal(layer.oc, dtype=numpy.float32)
    node = helper.make_node("ConvTranspose" if layer.transposed else "Conv",
                            ["src", "wei", "bias"], ["dst"], strides=[layer.stride],
                            dilations=[layer.dilation], pads=2 * [layer.padding],
                            group=layer.groups)
    tensors = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
               for name, shape in (("src", layers.src_shape(layer)),
                                   ("dst", layers.dst_shape(layer)))]
    graph = helper.make_graph([node], layer.name, tensors[:1], tensors[1:],
                              [numpy_helper.from_array(wei, "wei"),
                               numpy_helper.from_array(bias, "bias")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8  # opset 17's; onnx writes its newest, which runtimes may not know yet
    onnx.checker.check_model(model)
    return model


def main():
    """Write the models of the layers that stdin names."""
    folder = pathlib.Path(sys.argv[1])
    for line in sys.stdin:
        layer = layers.Layer(*json.loads(line))
        onnx.save(make_model(layer), folder / f"{layer.name}.onnx")


if __name__ == "__main__":
    main()
