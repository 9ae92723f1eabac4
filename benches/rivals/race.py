"""Races dlr against other programs that train the same network, in one sitting on one machine.

    cargo build --release
    python3 benches/rivals/race.py --python VENV/bin/python --core 0 --rounds 5

Prints a Markdown table. See README.md beside this file. Needs the Python standard library and Linux; the rivals need
what they need, and those that lack it are left out.
"""

import argparse
import array
import datetime
import gzip
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPTIMIZERS = ("sgd", "dlr", "nesterov", "adam")
RIVALS = ("c", "jax", "torch", "paper")
IDX_FILES = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
C_FLAGS = ["-std=gnu11", "-O3", "-march=native", "-ffast-math"]
ONLINE_SUBSET = {"torch": 3000, "paper": 2000}  # images; these take 0.04 to 1 ms for each
CHECKED_WEIGHTS = 3000  # up to here, rounding has not grown enough to part two right programs

# The same for everybody: dlr's defaults for batch 1, and rates that learn in an epoch of larger batches.
RATES = {"sgd": (0.13, 4), "dlr": (0.8, 4), "nesterov": (0.02, 0.6), "adam": (0.0005, 0.006)}
OTHERS = {
    "sgd": {},
    "dlr": {"alpha": 1},
    "nesterov": {"momentum": 0.8},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-4},
}


class Failure(Exception):
    """Said in one line."""


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])

    def listed(kind, allowed=None):
        def convert(text):
            values = [kind(word) for word in text.split(",")]
            for value in values:
                if value < 1 if allowed is None else value not in allowed:
                    raise argparse.ArgumentTypeError(f"{value}: not {' or '.join(allowed or ['1 or more'])}")
            return list(dict.fromkeys(values))

        convert.__name__ = "list"
        return convert

    parser.add_argument("--dlr", default=ROOT / "target/release/dlr", type=pathlib.Path, help="the program [target/release/dlr]")
    parser.add_argument("--python", default=sys.executable, help="a Python with jax, torch, numpy [this one]")
    parser.add_argument("--cc", default="gcc", help="C compiler [%(default)s]")
    parser.add_argument("--data", default=ROOT / "data/mnist", type=pathlib.Path, help="folder with MNIST [data/mnist]")
    parser.add_argument("--rivals", default=list(RIVALS), type=listed(str, RIVALS), help="[c,jax,torch,paper]")
    parser.add_argument("--optimizers", default=list(OPTIMIZERS), type=listed(str, OPTIMIZERS), help="[sgd,dlr,nesterov,adam]")
    parser.add_argument("--hidden", default=[30, 100, 300], type=listed(int), help="[30,100,300]")
    parser.add_argument("--batch", default=[1], type=listed(int), help="images per update, such as 1,100; they must divide --images [1]")
    parser.add_argument("--images", type=int, default=60000, help="training images; fewer for slow rivals [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="[%(default)s]")
    parser.add_argument("--repeats", type=int, default=2, help="passes of a rival in each round, of which the least counts [%(default)s]")
    parser.add_argument("--threads", type=int, default=1, help="[%(default)s]")
    parser.add_argument("--core", type=int, help="run everything on this core [wherever the system likes]")
    parser.add_argument("--order", choices=["shuffled", "file"], default="shuffled", help="dlr's; rivals take the file's [%(default)s]")
    parser.add_argument("--out", type=pathlib.Path, help="append every single result to this file, as JSON lines")
    parser.add_argument("--check", type=int, metavar="N", help="do not race: learn N images in file order, from the same weights, and compare")
    options = parser.parse_args()
    if min(options.images, options.rounds, options.repeats, options.threads) < 1 or (options.check or 1) < 1:
        parser.error("--images, --rounds, --repeats, --threads and --check start at 1")
    for batch in options.batch:
        if (options.check or options.images) % batch:
            parser.error(f"--batch {batch} does not divide {options.check or options.images} images")
    return options


def run(command, env=None):
    """What the command prints; a Failure with the last line of its complaints if it fails."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        complaints = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        raise Failure(f"{pathlib.Path(command[0]).name}: {complaints[-1]}")
    return done.stdout


def unpack(data, folder):
    for name in IDX_FILES:
        raw, packed = data / name, data / f"{name}.gz"
        try:
            content = raw.read_bytes() if raw.exists() else gzip.decompress(packed.read_bytes())
        except (OSError, EOFError, ValueError) as error:
            raise Failure(f"{packed}: {getattr(error, 'strerror', None) or error}") from None
        (folder / name).write_bytes(content)


def safetensors(path):
    """Both layers of a model that dlr saved, as arrays: W1 [hidden][inputs] and W2 [10][hidden]."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    layers = []
    for name in ("0.weight", "2.weight"):
        begin, end = header[name]["data_offsets"]
        layers.append(array.array("f", raw[start + begin : start + end]))
    return layers


class Race:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.results = {}  # (hidden, batch, optimizer) -> who -> [ns per image]
        self.failed = set()  # (hidden, batch, who, optimizer): told once
        self.versions = {}
        self.dlr_version = [" ".join(line.split()) for line in run([options.dlr, "--version"]).splitlines()]
        unpack(options.data, folder)
        self.rivals = [name for name in options.rivals if self.present(name)]
        env = dict(os.environ)
        if options.threads == 1:
            env |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self.env = env | {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def present(self, rival):
        needs = {"jax": "jax", "torch": "torch", "paper": "numpy"}
        try:
            if rival == "c":
                self.versions["c"] = run([self.options.cc, "--version"]).splitlines()[0] + ", " + " ".join(C_FLAGS)
            else:
                module = needs[rival]
                program = f"import numpy, {module}; print({module}.__version__)"
                self.versions[rival] = f"{module} {run([self.options.python, '-c', program]).strip()}"
        except Failure as failure:
            print(f"{rival} is left out: {failure}", file=sys.stderr)
            return False
        return True

    def settings(self, optimizer, batch):
        return {"lr": RATES[optimizer][batch > 1], **OTHERS[optimizer]}

    def dlr(self, hidden, batch, optimizer, images, *more):
        command = [self.options.dlr, "--data", self.options.data, "--hidden", hidden, "--optimizer", optimizer]
        command += ["--threads", self.options.threads, "--batch", batch, "--epochs", 1, "--images", images]
        command += ["--test-every", images, "--target", "none", "-q", "--json", *more]
        for name, value in self.settings(optimizer, batch).items():
            command += [f"--{name}", value]
        try:
            line = json.loads(run(command))
            times = {"ns_per_image": line["ns_per_image"], "test_accuracy": line["final"]["test_accuracy"]}
        except (ValueError, KeyError, TypeError):
            raise Failure(f"{self.options.dlr}: does not print the result of a run; is it dlr?") from None
        return {"rival": "dlr", **times, "run": line}

    def initial(self, hidden):
        """dlr's initial weights as raw floats, which every rival starts from."""
        path = self.folder / f"initial-{hidden}.f32"
        if not path.exists():
            saved = self.folder / f"initial-{hidden}.safetensors"
            command = [self.options.dlr, "--data", self.options.data, "--hidden", hidden, "--epochs", 0, "--save", saved, "-q"]
            run(command)
            path.write_bytes(b"".join(layer.tobytes() for layer in safetensors(saved)))
        return path

    def compiled(self, hidden):
        program = self.folder / f"dense-{hidden}"
        if not program.exists():
            run([self.options.cc, *C_FLAGS, f"-DHIDDEN={hidden}", HERE / "dense.c", "-o", program, "-lm"])
        return program

    def rival(self, name, hidden, batch, optimizer, images, repeats, *more):
        if name == "c":
            command = [self.compiled(hidden)]
        else:
            file = {"jax": "jax_epoch.py", "torch": "torch_epoch.py", "paper": "paper.py"}[name]
            command = [self.options.python, HERE / file]
        command += ["--data", self.folder, "--initial", self.initial(hidden), "--hidden", hidden, "--batch", batch]
        command += ["--threads", 1 if name == "c" else self.options.threads]
        command += ["--optimizer", optimizer, "--images", images, "--repeats", repeats, *more]
        for key, value in self.settings(optimizer, batch).items():
            command += [f"--{key}", value]
        return json.loads(run(command, self.env).splitlines()[-1])

    def combinations(self):
        for batch in self.options.batch:
            for hidden in self.options.hidden:
                for optimizer in self.options.optimizers:
                    yield hidden, batch, optimizer

    def entrants(self, batch):
        """The rivals that can take part: the paper knows no batches."""
        return [name for name in self.rivals if name != "paper" or batch == 1]

    def attempt(self, work, where, name):
        """A rival's result, or None once it has failed at this combination."""
        if (where, name) in self.failed:
            return None
        try:
            return work()
        except Failure as failure:
            self.failed.add((where, name))
            hidden, batch, optimizer = where
            print(f"{name} is left out of {optimizer}, H = {hidden}, batch {batch}: {failure}", file=sys.stderr)
            return None

    def note(self, where, number, line):
        hidden, batch, optimizer = where
        self.results.setdefault(where, {}).setdefault(line["rival"], []).append(line["ns_per_image"])
        if self.options.out:
            about = {"round": number, "hidden": hidden, "batch": batch, "optimizer": optimizer, "core": self.options.core}
            with open(self.options.out, "a") as file:
                file.write(json.dumps(about | line) + "\n")

    def race(self):
        """In every round dlr runs before each rival and after the last, so that it meets the machine in the same moods."""
        o = self.options
        run([o.dlr, "--data", o.data, "--epochs", 0, "-q"])  # leaves its cache behind
        for number in range(1, o.rounds + 1):
            for where in self.combinations():
                hidden, batch, optimizer = where
                if sys.stderr.isatty():
                    print(f"\rround {number}: {optimizer}, H = {hidden}, batch {batch}\033[K", end="", file=sys.stderr, flush=True)
                dlr = lambda: self.dlr(hidden, batch, optimizer, o.images, "--order", o.order)
                for name in self.entrants(batch):
                    images = min(o.images, ONLINE_SUBSET.get(name, o.images)) if batch == 1 else o.images
                    self.note(where, number, dlr())
                    work = lambda: self.rival(name, hidden, batch, optimizer, images, o.repeats)
                    if line := self.attempt(work, where, name):
                        self.note(where, number, line)
                self.note(where, number, dlr())
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)

    def header(self):
        o = self.options
        with open("/proc/cpuinfo") as file:
            cpu = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown processor")
        place = "any core" if o.core is None else f"core {o.core}"
        lines = [
            f"{datetime.date.today()}, {cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; load {os.getloadavg()[0]:.2f}",
            f"{o.threads} thread{'s' * (o.threads > 1)}, {place}; {o.rounds} round{'s' * (o.rounds > 1)}, a rival's best of {o.repeats} passes in each",
            f"{'; '.join(self.dlr_version)}; {o.images:,} images, {o.order} order",
        ]
        for name in self.rivals:
            subset = f"; {min(o.images, ONLINE_SUBSET[name]):,} images if batch 1" if name in ONLINE_SUBSET else ""
            flags = f"; XLA_FLAGS {os.environ['XLA_FLAGS']}" if name == "jax" and "XLA_FLAGS" in os.environ else ""
            lines.append(f"{name}: {self.versions[name]}{subset}{flags}")
        return "".join(f"- {line}\n" for line in lines)

    def table(self):
        rows = ["| batch | H | optimizer | program | rounds | least ns | median ns | its least / dlr's median |"]
        rows.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for (hidden, batch, optimizer), times in self.results.items():
            ours = statistics.median(times["dlr"])
            for name in ["dlr", *(name for name in self.rivals if name in times)]:
                ratio = "" if name == "dlr" else f"{min(times[name]) / ours:.2f}"
                cells = [batch, hidden, optimizer, name, len(times[name]), f"{min(times[name]):,.0f}"]
                cells += [f"{statistics.median(times[name]):,.0f}", ratio]
                rows.append(f"| {' | '.join(map(str, cells))} |")
        return "\n".join(rows)

    def check(self):
        """Whether all of them learn alike."""
        images, agree = self.options.check, True
        print(f"{images:,} images in file order from the same weights; deviation: max |w - dlr's w| / max |dlr's w|\n")
        print("| batch | H | optimizer | program | test accuracy | W1 deviates | W2 deviates | |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        saved, final = self.folder / "final.safetensors", self.folder / "final.f32"
        for where in self.combinations():
            hidden, batch, optimizer = where
            line = self.dlr(hidden, batch, optimizer, images, "--order", "file", "--save", saved)
            right, ours = line["test_accuracy"], safetensors(saved)
            print(f"| {batch} | {hidden} | {optimizer} | dlr | {right:.2%} | | | |", flush=True)
            for name in self.entrants(batch):
                work = lambda: self.rival(name, hidden, batch, optimizer, images, 1, "--final", final)
                line = self.attempt(work, where, name)
                if line is None:
                    agree = False
                    continue
                theirs = array.array("f", final.read_bytes())
                parts = theirs[: len(ours[0])], theirs[len(ours[0]) :]
                apart = [max(abs(a - b) for a, b in zip(*pair, strict=True)) / max(map(abs, pair[1])) for pair in zip(parts, ours)]
                same = abs(line["test_accuracy"] - right) <= 0.01 and (images > CHECKED_WEIGHTS or max(apart) <= 1e-4)
                agree &= same
                cells = [batch, hidden, optimizer, name, f"{line['test_accuracy']:.2%}", *(f"{d:.1e}" for d in apart)]
                print(f"| {' | '.join(map(str, cells))} | {'' if same else 'DISAGREES'} |", flush=True)
        return agree


def main():
    options = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder, race, status = None, None, 0
    try:
        if options.core is not None:
            try:
                os.sched_setaffinity(0, {options.core})  # children inherit it
            except OSError as error:
                raise Failure(f"--core {options.core}: {error.strerror}") from None
        if not shutil.which(options.dlr):
            raise Failure(f"{options.dlr}: no such program; build it with `cargo build --release`, or name it with --dlr")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="dlr-rivals-"))
        race = Race(options, folder)
        if options.check:
            return 0 if race.check() else 1
        race.race()
    except Failure as failure:
        print(f"\rrace.py: {failure}", file=sys.stderr)
        status = 1
    except OSError as error:
        print(f"\rrace.py: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("\rrace.py: interrupted; this is what there is", file=sys.stderr)
        status = 130
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    if race and race.results:
        print(race.header())
        print(race.table())
    return status


if __name__ == "__main__":
    sys.exit(main())
