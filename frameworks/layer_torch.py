# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The worker that runs layers in PyTorch.

Forward is the module's call under no_grad. The gradients are asked of
aten::convolution_backward, which is what autograd itself calls: with its
output_mask, each pass is measured alone, and a graph neither has to be kept nor
is torn down in the timed part. Outputs are allocated and freed in every run, as
they are in users' programs.
"""

import functools

import torch

import layer_worker
import layers

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
# output_mask of convolution_backward: gradients of input, weight, bias.
MASKS = {"backward data": (True, False, False), "backward weights": (False, True, True)}


def make_module(layer, dtype):
    """The layer as a module with PyTorch's own initial weights."""
    kind = torch.nn.ConvTranspose1d if layer.transposed else torch.nn.Conv1d
    return kind(layer.ic, layer.oc, layer.kw, stride=layer.stride, dilation=layer.dilation,
                padding=layer.padding, groups=layer.groups).to(dtype)


def forward(module, src):
    """Run a module as inference does."""
    with torch.no_grad():
        module(src)


def prepare(request):
    """Return the function that runs the Request's pass of its layer once."""
    layer, dtype = request.layer, DTYPES[request.dt]
    torch.manual_seed(0)
    module = make_module(layer, dtype)
    src = torch.randn(layers.src_shape(layer)).to(dtype)
    if request.layer_pass == "forward":
        return functools.partial(forward, module, src)
    diff_dst = torch.randn(layers.dst_shape(layer)).to(dtype)
    return functools.partial(torch.ops.aten.convolution_backward, diff_dst, src,
                             module.weight.detach(), [layer.oc], module.stride, module.padding,
                             module.dilation, layer.transposed, module.output_padding,
                             layer.groups, MASKS[request.layer_pass])


if __name__ == "__main__":
    layer_worker.serve(prepare, layer_worker.loaded_libraries("libdnnl"))
