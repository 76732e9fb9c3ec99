"""Cost of a decision against the number of rules, as SVG: chart.py RESULTS >cost.svg

Random requests; nanoseconds (minimum), both axes logarithmic; a panel for each shape.
"""

import math
import sys

from results import SHAPES, Results

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 190, 52, 44, 34
LINES = [("linear", "#999999", "plain C, walked"), ("twin", "#d08020", "plain C, the same algorithm"), ("purser", "#1060c0", "Purser, through its C header")]
LOW, HIGH = 10.0, 1e7


def across(rules):
    return math.log10(rules) / 5 * WIDTH


def down(nanoseconds):
    return HEIGHT - (math.log10(max(nanoseconds, LOW)) - math.log10(LOW)) / (math.log10(HIGH) - math.log10(LOW)) * HEIGHT


def label(exponent):
    return {1: "10 ns", 2: "100 ns", 3: "1 µs", 4: "10 µs", 5: "100 µs", 6: "1 ms", 7: "10 ms"}[exponent]


def panel(results, shape, x, y):
    out = [f'<g transform="translate({x},{y})">', f'<text x="0" y="-8" class="name">{shape}</text>']
    for exponent in range(1, 8):
        at = down(10.0**exponent)
        out.append(f'<line x1="0" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        out.append(f'<text x="-5" y="{at + 3:.1f}" text-anchor="end">{label(exponent)}</text>')
    for exponent in range(6):
        at = across(10.0**exponent)
        out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HEIGHT}" class="grid"/>')
        out.append(f'<text x="{at:.1f}" y="{HEIGHT + 13}" text-anchor="middle">{10**exponent:,}</text>')
    for engine, colour, _ in LINES:
        points = [
            (across(rules), down(results.times[shape, rules, "random", engine][0]))
            for rules in results.sizes()
            if (shape, rules, "random", engine) in results.times
        ]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour}"/>' for a, b in points]
    return out + ["</g>"]


def main():
    results = Results(sys.argv[1])
    columns, rows = 3, 2
    width = columns * (WIDTH + LEFT + 18)
    height = TOP + rows * (HEIGHT + GAP + 14) + 20
    out = [
        "<!-- Written by Benchmarks/rules/chart.py from build/rules/results.txt; make bench-rules -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="9">',
        "<style>.grid{stroke:#ddd;stroke-width:.6}.name{font-size:12px;font-weight:bold}.key{font-size:11px}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    at = LEFT
    for _, colour, text in reversed(LINES):
        out.append(f'<line x1="{at}" x2="{at + 18}" y1="14" y2="14" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{at + 23}" y="18" class="key">{text}</text>')
        at += 40 + 7 * len(text)
    for number, shape in enumerate(SHAPES):
        x = LEFT + number % columns * (WIDTH + LEFT + 14)
        y = TOP + number // columns * (HEIGHT + GAP + 14)
        out += panel(results, shape, x, y)
    out.append(f'<text x="{LEFT}" y="{height - 8}">One decision against the number of rules; random requests, minimum of a run, both axes logarithmic.</text>')
    out.append("</svg>")
    print("\n".join(out))


main()
