"""One plot: seconds by deployments, both on logarithmic axes, beside n log n through the last point."""

import math

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 400, 70, 50, 20, 45


def growth_plot(points):
    """An SVG of the points."""
    last_n, last_seconds = points[-1]
    straight = [(n, last_seconds * n * math.log(n) / (last_n * math.log(last_n))) for n, _ in points]
    everything = points + straight
    left, right = (math.log10(pick(n for n, _ in everything)) for pick in (min, max))
    low = math.floor(math.log10(min(seconds for _, seconds in everything)))
    high = math.ceil(math.log10(max(seconds for _, seconds in everything)))

    def place(n, seconds):
        x = LEFT + (math.log10(n) - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (math.log10(seconds) - low) / (high - low) * (HEIGHT - BOTTOM - TOP)
        return x, y

    def line(places, style):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in places))
        return f'<polyline fill="none" {style} points="{path}"/>'

    marks = []
    for power in range(low, high + 1):
        _, y = place(10**left, 10**power)
        marks.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        marks.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for n, seconds in points:
        x, y = place(n, seconds)
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b6"/>')
        marks.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n:,}</text>')
    x, y = place(*straight[len(straight) // 2])
    marks.append(f'<text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end" fill="#888">n log n</text>')
    marks.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">deployments</text>')
    body = "\n".join([*marks, line(straight, 'stroke="#888" stroke-dasharray="5 4"'), line(points, 'stroke="#0b6" stroke-width="2"')])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n{body}\n</svg>\n'
    )
