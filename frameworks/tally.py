# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Count the convolutions in oneDNN's verbose output: where they ran, how long, and why there."""

import collections

import verbose

PASSES = {"forward_training": "forward", "forward_inference": "forward",
          "backward_data": "backward data", "backward_weights": "backward weights"}

# One line of the report. where: 'brdnn', 'wrapper' or 'built-in'. why: '' on brdnn.
# shapes: distinct problems. ms: milliseconds in all.
Row = collections.namedtuple("Row", "where what why runs shapes ms")


class Tally:
    """What the lines that were read say."""

    def __init__(self):
        self.lines = 0
        self.reorders = [0, 0.0]  # runs, milliseconds
        self._runs = {}  # (who, primitive, pass, verbose.key) -> [runs, milliseconds]
        self._reasons = {}  # verbose.key -> reason

    def read(self, line):
        """Take in one line of oneDNN's."""
        self.lines += 1
        run = verbose.parse_run(line)
        if run is None:
            self._read_decline(line)
        elif run.primitive == "reorder":
            add(self.reorders, run.ms)
        elif run.primitive in verbose.CONVOLUTIONS:
            which = (verbose.ran_by(run.impl), run.primitive,
                     PASSES.get(run.prop_kind, run.prop_kind), verbose.key(run))
            add(self._runs.setdefault(which, [0, 0.0]), run.ms)

    def _read_decline(self, line):
        decline = verbose.parse_decline(line)
        if decline:
            self._reasons.setdefault(verbose.key(decline), decline.reason)

    def _why(self, who, key):
        if who == "plugin":
            return ""
        return self._reasons.get(key, "no reason was seen")

    def rows(self):
        """Return the Rows, the plugin's first, most time first."""
        groups = {}
        for (who, primitive, of_pass, key), (runs, ms) in self._runs.items():
            group = ("brdnn" if who == "plugin" else who, f"{primitive} {of_pass}",
                     self._why(who, key))
            groups.setdefault(group, []).append((key, runs, ms))
        rows = [Row(*group, sum(runs for _, runs, _ in found), len({key for key, _, _ in found}),
                    sum(ms for _, _, ms in found)) for group, found in groups.items()]
        order = ["brdnn", "wrapper", "built-in"]
        return sorted(rows, key=lambda row: (order.index(row.where), -row.ms))


def add(total, ms):
    """Add a run to [runs, milliseconds]."""
    total[0] += 1
    total[1] += ms


def report(tally):
    """Return the report as text: a sentence, and a table where any convolution ran."""
    rows = tally.rows()
    if not rows:
        return "oneDNN ran no convolution."
    runs = sum(row.runs for row in rows)
    ms = sum(row.ms for row in rows)
    ours = [row for row in rows if row.where == "brdnn"]
    if ours:
        sentence = (f"{sum(row.runs for row in ours)} of {runs} convolutions ran on brdnn, "
                    f"{sum(row.ms for row in ours):.1f} of {ms:.1f} ms.")
    else:
        sentence = f"none of {runs} convolutions, {ms:.1f} ms, ran on brdnn."
    lines = [sentence, f"{'runs':>9} {'shapes':>7} {'ms':>12}  ran on"]
    for row in rows:
        why = f": {row.why}" if row.why else ""
        lines.append(f"{row.runs:>9} {row.shapes:>7} {row.ms:>12.1f}  "
                     f"{row.where:<9} {row.what}{why}")
    lines.append(f"{tally.reorders[0]:>9} {'':>7} {tally.reorders[1]:>12.1f}  "
                 f"{'':<9} reorders, of convolutions and others")
    return "\n".join(lines)
