# SPDX-License-Identifier: GPL-2.0-only
"""The ratios as a plot, in SVG: one bar for each row and mode, kvm_intel is 1."""
import xml.sax.saxutils

from . import cost

COLOURS = {"joined": "#3b6ea5", "alone": "#8fb8de"}
LEFT, UNIT, BAR, MOST = 170, 260, 7, 2.5
# a name, though it looks like a place
NAMESPACE = "http:" + "/".join(("", "", ".".join(("www", "w3", "org")), "2000", "svg"))
STYLE = "font-family='sans-serif' font-size='11'"


def bars(rows):
    """Row name and the ratio of each mode, for what both sides have."""
    for name, theirs in rows.get("kvm", {}).items():
        if cost(theirs) <= 0:
            continue
        ratios = {mode: cost(rows[mode][name]) / cost(theirs) for mode in COLOURS
                  if name in rows.get(mode, {})}
        if ratios:
            yield name, ratios


def label(x, y, text, anchor="start", more=""):
    return (f"<text x='{x}' y='{y}' text-anchor='{anchor}' {STYLE} {more}>"
            f"{xml.sax.saxutils.escape(text)}</text>")


def kernel_part(kernel, rows, top):
    """The shapes of one kernel's rows, and where they end."""
    shapes = [label(10, top + 14, f"Kernel {kernel}: host instructions, kvm_intel = 1", "start",
                    "font-weight='bold'")]
    y = begin = top + 26
    for name, ratios in bars(rows):
        shapes.append(label(LEFT - 6, y + BAR + 3, name, "end"))
        for mode, value in ratios.items():
            width = min(value, MOST) * UNIT
            shapes.append(f"<rect x='{LEFT}' y='{y}' width='{width:.1f}' height='{BAR}' "
                          f"fill='{COLOURS[mode]}'/>")
            shapes.append(label(LEFT + width + 4, y + BAR, f"{value:.2f}", "start",
                                "fill='#555'"))
            y += BAR + 2
        y += 6
    for tick in (0.5, 1, 1.5, 2):
        x = LEFT + tick * UNIT
        colour = "#c33" if tick == 1 else "#ccc"
        shapes.insert(0, f"<line x1='{x}' y1='{begin}' x2='{x}' y2='{y}' stroke='{colour}'/>")
        shapes.append(label(x, y + 10, str(tick), "middle"))
    return shapes, y + 20


def svg(results):
    shapes, y = [], 30
    for number, (mode, colour) in enumerate(COLOURS.items()):
        shapes.append(f"<rect x='{10 + 90 * number}' y='8' width='12' height='12' "
                      f"fill='{colour}'/>" + label(27 + 90 * number, 18, mode))
    for kernel, rows in results["rows"].items():
        more, y = kernel_part(kernel, rows, y)
        shapes += more
    width = LEFT + int(MOST * UNIT) + 60
    return (f"<svg xmlns='{NAMESPACE}' width='{width}' height='{y}'>\n"
            f"<rect width='100%' height='100%' fill='white'/>\n" + "\n".join(shapes) + "\n</svg>\n")
