# SPDX-License-Identifier: GPL-2.0-only
"""What the parts of fuzz/run share: places, an error, TAP lines."""
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]
OUT = TOP / "build" / "fuzz"


class SetupError(Exception):
    """A run could not begin; the text names cause and cure."""


def tap(results):
    """Print results, pairs of (fine, sentence), as one TAP document; whether all are fine."""
    results = list(results)
    print(f"1..{len(results)}")
    for number, (fine, sentence) in enumerate(results, 1):
        print(f"{'ok' if fine else 'not ok'} {number} - {sentence}", flush=True)
    return all(fine for fine, _ in results)
