"""What is measured, section by section. Each takes the runs and its sizes, and returns lines of Markdown."""

import math
import statistics

from plot import growth_plot

FAMILIES = (
    "slack",
    "scarce",
    "fragmented",
    "multi-origin",
    "few-replica",
    "batch-heavy",
    "overlapping-caps",
    "water-month-end",
    "event",
    "stale",
)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def percent(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f} %"


def times(value):
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def size(deployments, sites, hours):
    return f"{deployments:,} × {sites} × {hours}"


def gaps(runs, sizes, seeds):
    """Published bounds, family by family; and how long plans take from nothing and from a plan."""
    bounds, speeds = [], []
    for family in FAMILIES:
        all_runs = [runs.planned(family, *sizes, seed) for seed in seeds]
        known = [(run["gapPercent"], run["seed"]) for run in all_runs if run["gapPercent"] is not None]
        worst = max(known, default=(None, "-"))
        median = statistics.median(gap for gap, _ in known) if known else None
        bounds.append(
            [
                family,
                percent(median),
                percent(worst[0]),
                str(worst[1]),
                percent(statistics.median(run["unservedPercent"] for run in all_runs), 2),
                str(sum(run["jobsAtRisk"] for run in all_runs)),
                str(sum(run["auditFindings"] for run in all_runs)),
            ]
        )
        speeds.append([family, *speed(all_runs)])
    lines = [
        "## Between the published bounds",
        "",
        f"{size(*sizes)} (deployments × sites × hours), {len(seeds)} seeds from {seeds[0]}. The gap is `(upper − lower) / upper`.",
        "",
    ]
    header = ["family", "median gap", "worst gap", "worst seed", "tokens not served", "jobs at risk", "findings of the audit"]
    lines += table(header, bounds)
    lines += [
        "## From nothing, and from a plan",
        "",
        "The same fleets, medians: seconds from nothing; then, from that plan, seconds and replicas that start in the first hour where",
        "they did not run: once more, after a change of 1 % and of 5 % of prices and demand, after the loss of the site that carries most.",
        "",
    ]
    header = ["family", "from nothing", "once more", "after 1 %", "cold / warm", "after 5 %", "after a loss"]
    return lines + table(header, speeds)


def speed(all_runs):
    def middle(key):
        return statistics.median(run[key] for run in all_runs)

    ratio = statistics.median(run["coldSeconds"] / run["warmSeconds"] for run in all_runs)
    after = [f"{middle(key + 'Seconds'):.2f} s, {middle(key + 'Moves'):.0f}" for key in ("again", "warm", "warm5", "loss")]
    return [f"{middle('coldSeconds'):.2f} s", after[0], after[1], times(ratio), after[2], after[3]]


def optima(runs, sizes, seeds, seconds):
    """Small fleets that HiGHS solves: how far above its optimum we are, and whether our bound is ever above it."""
    rows = []
    for family in FAMILIES:
        excess, below, unsolved, wrong = [], [], 0, []
        for seed in seeds:
            ours = runs.planned(family, *sizes, seed, cold=True)
            theirs = runs.solved(ours, family, *sizes, seed, "--seconds", str(seconds))
            if not theirs["optimal"]:
                unsolved += 1
                continue
            optimum = theirs["objective"]
            excess.append(100 * (ours["programUpper"] - optimum) / optimum)
            if ours["lower"] is not None:
                below.append(100 * (optimum - ours["lower"]) / optimum)
                if ours["lower"] > optimum * (1 + 1e-9):
                    wrong.append(seed)
            # HiGHS stops within its gap, so that a plan may be a little below what it found, and never below its bound.
            if ours["programUpper"] < theirs["bound"] * (1 - 1e-6):
                wrong.append(seed)
        middle = statistics.median(excess) if excess else None
        lowest = statistics.median(below) if below else None
        found = [str(seed) for seed in sorted(set(wrong))]
        rows.append(
            [
                family,
                percent(middle),
                percent(max(excess, default=None)),
                percent(lowest),
                f"{len(excess)} of {len(seeds)}",
                ", ".join(found) or "none",
            ]
        )
    lines = [
        "## Beside the optimum",
        "",
        f"{size(*sizes)}, {len(seeds)} seeds, where HiGHS has the program of [FORMULATION.md](../../operator/planner/FORMULATION.md) solved to 0.01 % within {seconds:.0f} s.",
        "The program leaves out dwell, the move budget and that serving comes before money, so its optimum may be below the best plan.",
        "",
    ]
    header = ["family", "cost above the optimum, median", "worst", "bound below the optimum, median", "solved", "wrong bounds (seeds)"]
    return lines + table(header, rows)


def against(runs, all_sizes, seeds, seconds):
    """Where linear bounds are loose: our plan against the best that HiGHS finds in a minute."""
    rows = []
    for family in ("scarce", "few-replica"):
        for sizes in all_sizes:
            better, ours_gap, their_gap, won = [], [], [], 0
            for seed in seeds:
                ours = runs.planned(family, *sizes, seed, cold=True)
                theirs = runs.solved(ours, family, *sizes, seed, "--seconds", str(seconds))
                if ours["gapPercent"] is not None:
                    ours_gap.append(ours["gapPercent"])
                if theirs["objective"] is None:
                    won += 1
                    continue
                better.append(100 * (theirs["objective"] - ours["programUpper"]) / theirs["objective"])
                won += better[-1] >= -1e-4
                if theirs["bound"] is not None:
                    their_gap.append(100 * (theirs["objective"] - theirs["bound"]) / theirs["objective"])
            rows.append(
                [
                    family,
                    size(*sizes),
                    f"{won} of {len(seeds)}",
                    percent(statistics.median(better), 2) if better else "it found none",
                    percent(min(better), 2) if better else "-",
                    percent(statistics.median(ours_gap)) if ours_gap else "-",
                    percent(statistics.median(their_gap), 2) if their_gap else "-",
                ]
            )
    lines = [
        f"## Against the best of HiGHS in {seconds:.0f} seconds",
        "",
        f"{len(seeds)} seeds each, HiGHS on the same program, reading the file not counted. What reports a missing site pays for it on both sides.",
        "",
    ]
    header = ["family", "size", "not worse", "cheaper by, median", "least", "our gap, median", "its gap, median"]
    return lines + table(header, rows)


def relaxation(runs, sizes, seeds, seconds):
    """A plan with its bound, beside the time that the linear relaxation alone takes."""
    rows = []
    for seed in seeds:
        ours = runs.planned("slack", *sizes, seed, cold=True)
        theirs = {
            solver: runs.solved(ours, "slack", *sizes, seed, "--relax", "--solver", solver, "--seconds", str(seconds))
            for solver in ("choose", "ipm")
        }
        done = {solver: run["seconds"] for solver, run in theirs.items() if run["optimal"]}
        fastest = min(done.values(), default=None)
        ratio = f"more than {times(seconds / ours['coldSeconds'])}" if fastest is None else times(fastest / ours["coldSeconds"])
        shown = [f"{done[solver]:.1f} s" if solver in done else f"more than {seconds:.0f} s" for solver in theirs]
        rows.append([str(seed), f"{ours['coldSeconds']:.2f} s", percent(ours["gapPercent"]), *shown, ratio])
    lines = [
        "## Beside the linear relaxation",
        "",
        f"{size(*sizes)}, slack: seconds for a plan and its bound, and for HiGHS to solve the relaxation alone, by the method that it chooses and by",
        "interior point without crossover; the ratio is to the faster. Reading the file is not counted.",
        "",
    ]
    header = ["seed", "our plan", "our gap", "HiGHS", "HiGHS, interior point", "ratio"]
    return lines + table(header, rows)


def growth(runs, steps, sites, hours, plot):
    """Seconds over four steps of ten."""
    points = []
    for deployments in steps:
        turns = [runs.planned("slack", deployments, sites, hours, 1, cold=True, turn=turn) for turn in range(3)]
        seconds = statistics.median(run["coldSeconds"] for run in turns)
        points.append((deployments, seconds, turns[0]["peakRssBytes"], turns[0]["gapPercent"]))
    rows = []
    for (before, after) in zip([None, *points], points):
        n, seconds, rss, gap = after
        step, allowed = "", ""
        if before is not None:
            step = times(seconds / before[1])
            allowed = times(n * math.log(n) / (before[0] * math.log(before[0])))
        memory = "-" if rss is None else f"{rss / 2**20:,.0f} MiB"
        rows.append([f"{n:,}", f"{seconds:.3f} s", step, allowed, memory, percent(gap)])
    plot.write_text(growth_plot([(n, seconds) for n, seconds, _, _ in points]))
    lines = [
        "## Growth",
        "",
        f"Slack at {sites} sites over {hours} hours, the median of three runs each. n log n would grow by the factor beside.",
        "",
    ]
    header = ["deployments", "from nothing", "times the step before", "n log n", "peak memory", "gap"]
    return lines + table(header, rows) + [f"![Seconds by deployments, beside n log n]({plot.name})", ""]


def largest(runs, sizes):
    """The largest fleet, and what it takes."""
    run = runs.planned("slack", *sizes, 1, cold=True)
    rss = run["peakRssBytes"]
    memory = "-" if rss is None else f"{rss / 2**30:.2f} GiB"
    rows = [[size(*sizes), f"{run['coldSeconds']:.1f} s", memory, percent(run["gapPercent"]), str(run["auditFindings"])]]
    header = ["size", "from nothing", "peak memory, the fleet itself included", "gap", "findings of the audit"]
    return ["## The largest", ""] + table(header, rows)
