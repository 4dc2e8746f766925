"""How the planner does: its own bounds, HiGHS as an oracle, time, memory and growth. Writes PLANNER.md and its plot.

Called by `cargo xtask bench planner`, which builds the program and finds HiGHS.
"""

import argparse
import datetime
import os
import pathlib

import highspy
import sections
from runs import Runs

HERE = pathlib.Path(__file__).parent
SEEDS = list(range(1, 11))

HEAD = """# How the planner does

`cargo xtask bench planner` plans synthetic fleets ([their families](../../operator/families/src/lib.rs)) with the program as it is shipped, and
gives the same instances, as MPS, to HiGHS {highs}. HiGHS is an oracle here and no part of the product. `--only gaps,optima` makes some
of the tables, `--quick` all of them on small fleets. Measured on {cores} cores in {when}:
"""


def parsed():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--program", required=True, help="the commonwatt to measure")
    arguments.add_argument("--kept", required=True, help="file of runs, to go on where a bench was stopped")
    arguments.add_argument("--page", default=HERE.parent / "PLANNER.md", type=pathlib.Path, help="where the tables go")
    arguments.add_argument("--only", default="", help="some of gaps, optima, against, relaxation, growth, largest; with a comma")
    arguments.add_argument("--quick", action="store_true", help="small fleets and three seeds: minutes, and no page to keep")
    arguments.add_argument("--fresh", action="store_true", help="forget the runs that were kept")
    return arguments.parse_args()


def full(runs, plot):
    """Every section with its sizes (deployments, sites, hours)."""
    return {
        "gaps": lambda: sections.gaps(runs, (1000, 50, 24), SEEDS),
        "optima": lambda: sections.optima(runs, (12, 6, 3), SEEDS, 120),
        "against": lambda: sections.against(runs, [(100, 20, 6), (1000, 50, 1)], SEEDS, 60),
        "relaxation": lambda: sections.relaxation(runs, (5000, 100, 1), [1, 2, 3], 1800),
        "growth": lambda: sections.growth(runs, [10, 100, 1000, 10_000, 100_000], 20, 2, plot),
        "largest": lambda: sections.largest(runs, (10_000, 500, 24)),
    }


def quick(runs, plot):
    """The same on small fleets: whether the bench works, not how good the planner is."""
    return {
        "gaps": lambda: sections.gaps(runs, (60, 12, 4), SEEDS[:3]),
        "optima": lambda: sections.optima(runs, (8, 5, 2), SEEDS[:3], 20),
        "against": lambda: sections.against(runs, [(40, 10, 2)], SEEDS[:3], 5),
        "relaxation": lambda: sections.relaxation(runs, (200, 20, 1), [1], 60),
        "growth": lambda: sections.growth(runs, [10, 30, 100], 10, 2, plot),
        "largest": lambda: sections.largest(runs, (200, 20, 4)),
    }


def main():
    asked = parsed()
    runs = Runs(asked.program, asked.kept, asked.fresh)
    page = asked.page.with_name("PLANNER-quick.md") if asked.quick else asked.page
    plot = page.with_name(page.stem.lower() + "-growth.svg")
    known = (quick if asked.quick else full)(runs, plot)
    wanted = asked.only.split(",") if asked.only else list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"no section is called {', '.join(unknown)}; there are {', '.join(known)}")
    when = datetime.date.today().strftime("%B %Y")
    lines = HEAD.format(highs=highspy.Highs().version(), cores=os.cpu_count(), when=when).splitlines() + [""]
    for name in wanted:
        lines += known[name]()
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    if not asked.only:
        page.write_text(text)


if __name__ == "__main__":
    main()
