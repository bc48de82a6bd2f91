# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Write ONNX models with 1D convolutions.

    onnx_models.py FOLDER < CASES

CASES is the JSON of test_onnxruntime.py's cases by name. FOLDER holds a
NAME.npz with each one's constants and gets its NAME.onnx, which reads x,
[batch, ic, width], and writes y. Debian's python3-onnx and python3-onnxruntime
don't go into one process.
"""

import json
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper

OPSET, IR_VERSION = 17, 8  # what ONNX Runtime 1.21 reads


def nodes(case, constants):
    """The convolution and what follows it."""
    inputs = ["x", *(name for name in ("wei", "bias") if name in constants)]
    steps = [helper.make_node("Conv", inputs, ["conv"], **case.get("attributes", {}))]
    if "other" in constants:
        steps.append(helper.make_node("Add", ["conv", "other"], ["sum"]))
    if "activation" in case:
        steps.append(helper.make_node(case["activation"], steps[-1].output, ["activation"]))
    steps[-1].output[0] = "y"
    return steps


def model(name, case, constants):
    """The whole model; its batch and width are free."""
    oc, ic, _ = case["wei"]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", ic, "width"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", oc, "width_out"])
    graph = helper.make_graph(nodes(case, constants), name, [x], [y],
                              [onnx.numpy_helper.from_array(constants[key], key)
                               for key in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                             ir_version=IR_VERSION)


def main():
    """Read the cases, write the models."""
    folder = pathlib.Path(sys.argv[1])
    for name, case in json.load(sys.stdin).items():
        constants = dict(numpy.load(folder / f"{name}.npz"))
        onnx.save(model(name, case, constants), folder / f"{name}.onnx")


main()
