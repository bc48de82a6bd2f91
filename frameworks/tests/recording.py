# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Which convolutions PyTorch asked oneDNN for, and which implementations ran them."""

import collections

import torch
from torch.utils._python_dispatch import TorchDispatchMode

import verbose

TYPE_NAMES = {torch.float32: "f32", torch.bfloat16: "bf16"}
# The second is for transposed convolution; PyTorch gives it no name in Python.
TO_ONEDNN = (int(torch._C._ConvBackend.Mkldnn), int(torch._C._ConvBackend.Mkldnn) + 1)


class Asked(TorchDispatchMode):
    """Notes each pass of each convolution that PyTorch computes while it is entered.

    asked: Counter of (pass, type) that go to oneDNN. native: how many don't;
    PyTorch's own rule, which it is asked for, depends on type, shape and
    threads. Like any dispatch mode it sees its own Python thread only.
    """

    def __init__(self):
        super().__init__()
        self.asked = collections.Counter()
        self.native = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.convolution.default:
            src, wei, bias, *geometry = args
            bias_sizes = None if bias is None else bias.shape
            self.note(["forward"], src, wei, bias, geometry, bias_sizes)
        elif func is torch.ops.aten.convolution_backward.default:
            _, src, wei, bias_sizes, *geometry, mask = args
            passes = ["backward_data"] if mask[0] else []
            passes += ["backward_weights"] if mask[1] or mask[2] else []
            self.note(passes, src, wei, None, geometry, bias_sizes)
        return func(*args, **(kwargs or {}))

    def note(self, passes, src, wei, bias, geometry, bias_sizes):
        """Count passes of one convolution by who PyTorch chooses for it."""
        backend = torch._C._select_conv_backend(src, wei, bias, *geometry, bias_sizes)
        if int(backend) in TO_ONEDNN:
            self.asked.update((name, TYPE_NAMES[src.dtype]) for name in passes)
        else:
            self.native += len(passes)


def pass_of(run):
    """'forward_training' -> 'forward'; the backward passes keep their names."""
    return "forward" if run.prop_kind.startswith("forward") else run.prop_kind


def type_of(run):
    """'f32' where src, weights and dst are all f32, else the first other type."""
    others = [name for name in run.types.split(":") if name != "f32"]
    return others[0] if others else "f32"


def convolutions(output):
    """The Runs of convolutions and deconvolutions in a process's output."""
    runs = filter(None, map(verbose.parse_run, output.splitlines()))
    return [run for run in runs if run.primitive in verbose.CONVOLUTIONS]


class Recording:
    """What a block or a child process asked for and what ran in it; filled when it ends.

    output: all that a child process printed.
    """

    def __init__(self, plugin):
        self.plugin = plugin
        self.asked = collections.Counter()
        self.native = 0
        self.runs = []
        self.output = ""

    def check_who_ran(self):
        """With the plugin in front, it ran all."""
        if self.plugin:
            others = [run for run in self.runs if verbose.ran_by(run.impl) != "plugin"]
            assert not others, f"not run by the plugin: {others}"

    def check(self, native=0):
        """oneDNN ran what PyTorch asked it for, all but `native` passes, on the plugin."""
        assert self.native == native, f"PyTorch kept {self.native} passes to itself"
        assert collections.Counter((pass_of(run), type_of(run)) for run in self.runs) == self.asked
        self.check_who_ran()

    def check_count(self, count):
        """oneDNN ran `count` passes, on the plugin: for a block that was not noted."""
        assert len(self.runs) == count, self.runs
        self.check_who_ran()
