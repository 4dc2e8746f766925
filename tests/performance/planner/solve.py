"""HiGHS on one MPS file, in a process of its own, so that its memory goes with it: one JSON object on standard output."""

import argparse
import json
import time

import highspy
import numpy

# What a solution reports and does not pay in the planner: sites missing, jobs at risk.
REPORTED = ("m_", "a_")


def parsed():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("mps")
    arguments.add_argument("--relax", action="store_true", help="the linear relaxation alone")
    arguments.add_argument("--solver", default="choose", help="for the relaxation: choose, simplex, ipm")
    arguments.add_argument("--seconds", type=float, default=60.0, help="stop after so long")
    arguments.add_argument("--gap", type=float, default=1e-4, help="relative gap that counts as optimal")
    arguments.add_argument("--start", help="columns as a JSON object in this file, to begin with; those left out are found")
    arguments.add_argument("--solution", help="write the columns that are not 0 as a JSON object to this file")
    return arguments.parse_args()


def finite(value):
    return value if abs(value) < 1e29 else None


def start(highs, file):
    with open(file, encoding="utf-8") as text:
        known = json.load(text)
    numbers = {name: number for number, name in enumerate(highs.getLp().col_names_)}
    held = {numbers[name]: value for name, value in known.items() if name in numbers}
    if held:
        indices, values = numpy.array(list(held), dtype=numpy.int32), numpy.array(list(held.values()))
        highs.setSolution(len(held), indices, values)


def solved(asked):
    highs = highspy.Highs()
    options = {
        "output_flag": False,
        "time_limit": asked.seconds,
        "mip_rel_gap": asked.gap,
        "solve_relaxation": asked.relax,
        "solver": asked.solver,
    }
    for name, value in options.items():
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise SystemExit(f"HiGHS does not take {name} = {value}")
    if asked.relax and asked.solver == "ipm":
        # A bound needs no vertex.
        highs.setOptionValue("run_crossover", "off")
    begun = time.perf_counter()
    if highs.readModel(asked.mps) == highspy.HighsStatus.kError:
        raise SystemExit(f"HiGHS cannot read {asked.mps}")
    read = time.perf_counter() - begun
    if asked.start:
        start(highs, asked.start)
    begun = time.perf_counter()
    highs.run()
    seconds = time.perf_counter() - begun
    lp, info = highs.getLp(), highs.getInfo()
    found = info.primal_solution_status == 2
    values = highs.getSolution().col_value if found else []
    reported = sum(
        value * cost
        for name, value, cost in zip(lp.col_names_, values, lp.col_cost_)
        if name.startswith(REPORTED)
    )
    if asked.solution:
        held = {name: value for name, value in zip(lp.col_names_, values) if abs(value) > 1e-9}
        with open(asked.solution, "w", encoding="utf-8") as file:
            json.dump(held, file)
    status = highs.getModelStatus()
    return {
        "status": highs.modelStatusToString(status),
        "optimal": status == highspy.HighsModelStatus.kOptimal,
        "objective": finite(info.objective_function_value) if found else None,
        "bound": None if asked.relax else finite(info.mip_dual_bound),
        "reported": float(reported),
        "seconds": seconds,
        "readSeconds": read,
        "rows": lp.num_row_,
        "columns": lp.num_col_,
    }


if __name__ == "__main__":
    print(json.dumps(solved(parsed())))
