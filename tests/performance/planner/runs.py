"""Runs of the planner and of HiGHS, each kept under what was asked and which program answered: a bench that is stopped goes on
where it was."""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


class Runs:
    """What has been run, and what runs it."""

    def __init__(self, program, kept, fresh):
        self.program = program
        self.kept = pathlib.Path(kept)
        self.version = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()[:16]
        self.known = {}
        if self.kept.exists() and not fresh:
            for line in self.kept.read_text().splitlines():
                entry = json.loads(line)
                self.known[entry["asked"]] = entry["answer"]

    def planned(self, family, deployments, sites, hours, seed, cold=False, turn=0):
        """What `commonwatt bench planner` says; another turn is the same once more, for its time."""
        command = [*self._instance(family, deployments, sites, hours, seed), "-o", "json"]
        if cold:
            command.append("--cold")
        asked = json.dumps([self.version, *command[1:], turn])
        return self._kept(asked, lambda: said([str(self.program), *command[1:]], (0, 2)))

    def solved(self, ours, family, deployments, sites, hours, seed, *options):
        """What HiGHS makes of the instance of a run of ours. A new planner does not ask it again: worlds come from the generator."""
        instance = self._instance(family, deployments, sites, hours, seed)
        solver = hashlib.sha256((HERE / "solve.py").read_bytes()).hexdigest()[:16]
        asked = json.dumps(["highs", solver, ours["instanceHash"], *options])

        def run():
            with tempfile.TemporaryDirectory() as folder:
                mps = f"{folder}/instance.mps"
                said([*instance, "--cold", "--mps", mps, "-o", "json"], (0, 2))
                return said([sys.executable, str(HERE / "solve.py"), mps, *options], (0,))

        return self._kept(asked, run)

    def _instance(self, family, deployments, sites, hours, seed):
        command = [str(self.program), "bench", "planner", "--family", family]
        sizes = {"--deployments": deployments, "--sites": sites, "--hours": hours, "--seed": seed}
        return command + [str(word) for pair in sizes.items() for word in pair]

    def _kept(self, asked, run):
        if asked not in self.known:
            answer = run()
            self.known[asked] = answer
            self.kept.parent.mkdir(parents=True, exist_ok=True)
            with self.kept.open("a") as kept:
                kept.write(json.dumps({"asked": asked, "answer": answer}) + "\n")
        return self.known[asked]


def said(command, codes):
    """The JSON that a command prints."""
    print("  " + " ".join(command[1:]), file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{command[0]} ended with {done.returncode}")
    # A library may greet on standard output before the object.
    return json.loads(done.stdout[done.stdout.index("{") :])
