#!/usr/bin/env python3
"""Lets one call to the system after another fail, or be the last that dlr makes, and looks at what is left.

    cargo build --release
    tests/faults/run.py [PROGRAM]      PROGRAM is target/release/dlr if it is not given; --quick makes a tenth of the cases

In each scenario (a cache is prepared, a network trained, a sweep made, ...) the N-th call of every kind fails, by strace,
for every N and with every error that fits the kind, alone or with all that follow; and the program is killed at the N-th
call that changes a file. After each of these
  - the exit code is a documented one, within a minute: no panic, no abort, no signal;
  - stderr has one line that names what failed, why, and what to do; and warnings, if there are any;
  - every file is as it was, or as it should be, or a whole journal or checkpoint on the way there; none is left over;
  - the same command without a fault goes on to the same results, byte for byte but for times. A sweep trains no run twice.
An interrupted call (EINTR) must do no harm at all. Kills at random moments, and disks, memory and numbers of open files from
too little to enough, are held to the same.

Left out are faults before `main`: in the dynamic loader, in Rust's runtime, and where a thread starts. The last call that
these make is sigaltstack, so only what a thread calls later is let fail. strace counts the calls of each thread apart: where
the N-th call of two threads fails, both do. brk is left out: its failure is no error code, which strace cannot feign. Where the
C library itself gives up for lack of memory ("Fatal glibc error"), nothing is asked of dlr.

Fig. 1, which ends with some tenths of a second by the clock, has a fifth of the cases, evenly taken from all.

Needs Linux, strace 5.3 or later, prlimit, and the Python standard library. Full disks need the right to mount one.
"""

import argparse
import bisect
import collections
import concurrent.futures
import csv
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LIMIT = 60  # seconds; every run here takes some hundredths, but others may want the processor, too

# What a kind of call may fail with. EINTR only where Linux may say so.
ERRORS = {
    "openat": ["EACCES", "EMFILE", "ENOMEM", "ENOSPC", "EIO", "EINTR"],
    "read": ["EIO", "ENOMEM", "EINTR"],
    "pread64": ["EIO", "EINTR"],
    "write": ["ENOSPC", "EIO", "EINTR"],
    "fsync": ["EIO", "ENOSPC", "EINTR"],
    "fdatasync": ["EIO", "ENOSPC", "EINTR"],
    "rename": ["EACCES", "ENOSPC", "EIO"],
    "renameat": ["EACCES", "ENOSPC", "EIO"],
    "renameat2": ["EACCES", "ENOSPC", "EIO"],
    "ftruncate": ["EIO", "EINTR"],
    "flock": ["ENOLCK", "EINTR"],
    "fcntl": ["EMFILE"],
    "unlink": ["EACCES", "EIO"],
    "unlinkat": ["EACCES", "EIO"],
    "mkdir": ["EACCES", "ENOSPC"],
    "fchmod": ["EACCES", "EIO"],
    "statx": ["EACCES", "ENOMEM", "EIO"],
    "getdents64": ["EIO"],
    "mmap": ["ENOMEM", "EACCES"],
    "mprotect": ["ENOMEM"],
    "clone3": ["EAGAIN"],
    "socketpair": ["EMFILE"],
    "pipe2": ["EMFILE"],
}
# Where a kill may leave a file half-done.
CHANGES = ["openat", "write", "fsync", "fdatasync", "rename", "renameat", "renameat2", "ftruncate", "unlink", "unlinkat",
    "mkdir", "fchmod"]

# 0 done, 1 failed, 4 a file is missing or damaged. No fault makes a command line wrong or a network diverge.
CODES = (0, 1, 4)
# Values that are another matter each time, and the processor's name, which a fault may hide.
TIMES = {"train_s", "wall_s", "ns_per_image", "seconds_per_epoch", "seconds_mean", "train_s_to_target", "wall_s_to_target",
    "times", "cpu", "resumed_s"}


class Wrong(Exception):
    """A claim that does not hold, in one line."""


def expect(holds, claim):
    if not holds:
        raise Wrong(claim)


# ---------------------------------------------------------------------------------------------------------------------------
# Data, and what is compared of results


def write_data(folder, train=300, test=100, side=8):
    """Images of 10 classes, each of which lights some pixels more often than others; labels are gzipped."""
    numbers = random.Random(1)
    often = [[numbers.random() < 0.25 for _ in range(side * side)] for _ in range(10)]
    folder.mkdir()
    for name, count in (("train", train), ("t10k", test)):
        labels = bytes(image % 10 for image in range(count))
        pixels = bytes(
            200 if numbers.random() < (0.7 if is_often else 0.1) else 0 for label in labels for is_often in often[label]
        )
        head = struct.pack(">4B3I", 0, 0, 8, 3, count, side, side)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + pixels)
        labels = struct.pack(">4BI", 0, 0, 8, 1, count) + labels
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, mtime=0))


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def printed(text):
    """What is compared of a command's output: JSON without its times, text as it is."""
    try:
        return [without_times(json.loads(line)) for line in text.splitlines()]
    except ValueError:
        return text


def content(path):
    """What is compared of a file."""
    data = path.read_bytes()
    if path.name == "report.html":
        data = re.sub(rb"<title>Seconds of training.*?</figure>", b"</figure>", data, flags=re.DOTALL)
        return re.sub(rb"( threads? on )[^<]+", rb"\1", data)  # the processor's name, which a fault may hide
    if path.name.endswith("-seconds.csv"):
        return without_times(list(csv.DictReader(data.decode().splitlines()))), data[-1:]
    if path.name.endswith("-seconds.jsonl"):
        return printed(data.decode()), data[-1:]
    if path.name != "ckpt":
        return data
    length = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + length])
    about = without_times(json.loads(head["__metadata__"].pop("dlr")))
    del about["checkpoint"]["sha256"]  # times are under it as well
    body = bytearray(data[8 + length :])
    start, end = head["curve.numbers"]["data_offsets"]
    for test in range(start, end, 32):  # epoch, train_s, wall_s, accuracy
        body[test + 8 : test + 24] = bytes(16)
    return json.dumps([head, about], sort_keys=True), bytes(body)


def files(desk):
    """What is compared of a folder: all its files, but for times and what people wrote there."""
    found = {}
    for path in sorted(path for path in desk.rglob("*") if path.is_file()):
        if path.name not in ("run.toml", "journal.times"):
            found[str(path.relative_to(desk))] = content(path)
    return found


def is_left_over(name):
    return pathlib.PurePath(name).name.startswith(".dlr-")


# ---------------------------------------------------------------------------------------------------------------------------
# Running dlr


Done = collections.namedtuple("Done", "code out err")


class Campaign:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        self.program = str(options.program.resolve())
        self.environment = {"PATH": os.environ["PATH"], "DLR_DATA": str(scratch / "data"), "DLR_CACHE": "cache"}
        self.runs = self.cases = self.failed = self.missed = 0
        self.hits = collections.Counter()
        write_data(scratch / "data")
        write_data(scratch / "more-data", train=1200)  # so many tests that a curve can be laid through them

    def desk(self, fixture=None):
        """A new folder, with a copy of what is in another."""
        desk = pathlib.Path(tempfile.mkdtemp(dir=self.scratch, prefix="desk-"))
        if fixture:
            shutil.copytree(fixture, desk, dirs_exist_ok=True)
        return desk

    def dlr(self, desk, arguments, before=(), limit=LIMIT):
        """Runs dlr in a folder, under the command `before`, to its end, which has to come within so many seconds."""
        self.runs += 1
        child = subprocess.Popen(
            [*before, self.program, *arguments.split()],
            cwd=desk,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise Wrong(f"it hangs: no end after {limit} seconds") from None
        return Done(child.returncode, out.decode(), err.decode())

    def traced(self, desk, arguments, calls, inject=(), before=(), fast=True):
        """Runs dlr under strace, and returns also the lines that tell of `calls`."""
        # Outside the folder, which is compared as a whole.
        trace = desk.with_suffix(".trace")
        strace = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(trace)]
        strace += ["--seccomp-bpf"] if fast else []
        strace += ["-e", "trace=" + ",".join(f"?{call}" for call in calls)]
        strace += [word for part in inject for word in ("-e", f"inject={part}")]
        done = self.dlr(desk, arguments, [*strace, *before])
        lines = trace.read_text(errors="replace").splitlines()
        trace.unlink()
        return done, lines

    def each(self, name, work, cases):
        """Does the work of each case, two at once, and tells of those that failed. Returns how many there were."""
        since, failed, count = time.monotonic(), 0, 0
        with concurrent.futures.ThreadPoolExecutor(self.options.at_once) as pool:
            for case, future in [(case, pool.submit(work, *case)) for case in cases]:
                count += 1
                try:
                    future.result()
                except Wrong as wrong:
                    failed += 1
                    print(f"FAILED {name}: {' '.join(map(str, case))}: {wrong}", flush=True)
        print(f"{name:34} {count:6} cases {failed:4} failed {time.monotonic() - since:7.1f} s", flush=True)
        self.cases, self.failed = self.cases + count, self.failed + failed


class Scenario:
    """A command, the files that it starts from, and what comes of it. Only one in `every` of its cases is tried."""

    def __init__(self, campaign, name, arguments, words, fixture=None, journal="journal", every=1):
        self.campaign, self.name, self.arguments, self.words = campaign, name, arguments, words
        self.journal, self.every = journal, every
        self.fixture = fixture or campaign.scratch / "nothing"
        desks = [campaign.desk(self.fixture) for _ in range(2)]
        since = time.monotonic()
        runs = [campaign.dlr(desk, arguments) for desk in desks]
        self.seconds = (time.monotonic() - since) / 2
        for run in runs:
            expect(run.code == 0 and "error" not in run.err, f"{name} fails without a fault: {run}")
        self.start = files(self.fixture)
        self.out, self.end = printed(runs[0].out), files(desks[0])
        self.said = [line for line in runs[0].err.splitlines() if not line.startswith("dlr: warning: ")]
        again = printed(runs[1].out), files(desks[1])
        expect((self.out, self.end) == again, f"{name} comes out otherwise each time")
        self.done = desks[0]

    def calls(self):
        """How many calls of each kind there are; and how many of the first are before main, by thread."""
        desk = self.campaign.desk(self.fixture)
        done, lines = self.campaign.traced(desk, self.arguments, [*ERRORS, "sigaltstack"])
        expect(done.code == 0, f"{self.name} fails under strace: {done}")
        shutil.rmtree(desk)
        counts = collections.defaultdict(lambda: collections.defaultdict(int))
        before = collections.defaultdict(dict)
        for line in lines:
            called = re.match(r"(\d+) +(\w+)\((.*)", line)
            if not called:
                continue
            thread, call, rest = called.groups()
            if call == "sigaltstack":
                if not rest.startswith("NULL") and thread not in before:
                    before[thread] = dict(counts[thread])
            else:
                counts[thread][call] += 1
        return counts, before

    def places(self):
        """Each kind of call with each N that hits a call after main began, and none before."""
        counts, before = self.calls()
        for call in ERRORS:
            for n in range(1, 1 + max((of[call] for of in counts.values()), default=0)):
                hit = [thread for thread, of in counts.items() if of[call] >= n]
                if all(thread in before and n > before[thread].get(call, 0) for thread in hit):
                    yield call, n

    def check_stderr(self, done):
        """One line for an error, none for success but what is always said, and warnings before it."""
        lines = done.err.split("\n")
        expect(lines.pop() == "", f"its last line has no end: {done.err!r}")
        lines = [line for line in lines if line not in self.said]
        errors = [line for line in lines if not line.startswith("dlr: warning: ")]
        expect(len(errors) == (done.code != 0), f"code {done.code}, but stderr has {done.err!r}")
        for line in lines:
            expect("; " in line and "panicked" not in line, f"no cause and cure in {line!r}")
            expect(not any(is_left_over(word) for word in re.split(r"[\s\"]", line)), f"a file that nobody knows in {line!r}")
            expect(any(word in line for word in self.words), f"nothing is named in {line!r}")
        for line in errors:
            expect(line.startswith("dlr: error: "), f"no error: {line!r}")

    def check_files(self, desk, may_leave=False):
        """Every file is as it was, as it should be, or whole on its way there."""
        for name, now in self.read(desk).items():
            if is_left_over(name):
                expect(may_leave, f"{name} was left over")
            elif now not in (self.start.get(name), self.end.get(name)):
                self.check_on_the_way(desk, name, now)
        for name in self.start:
            expect((desk / name).exists(), f"{name} is gone")

    def read(self, desk):
        try:
            return files(desk)
        except Exception as error:  # a checkpoint that is none
            raise Wrong(f"a damaged file: {error}") from None

    def check_on_the_way(self, desk, name, now):
        if name.endswith("journal"):
            lines, known = now.splitlines(keepends=True), self.end[name].splitlines(keepends=True)
            torn = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            expect(set(lines) <= set(known), "a line of the journal is not one of those that should be there")
            expect(len(set(lines)) == len(lines), "a run is there twice")
            expect(any(line.startswith(torn) for line in known), "the torn line is not the beginning of one")
        elif name == "ckpt":
            gone_on = self.campaign.dlr(desk, "--resume ckpt --epochs 2 --json -q --threads 1")
            expect(gone_on.code == 0, f"a checkpoint that nothing goes on from: {gone_on}")
            weights = json.loads(gone_on.out)["final"]["weights_sha256"]
            expect(weights == self.out[0]["final"]["weights_sha256"], "a checkpoint that leads elsewhere")
        else:
            raise Wrong(f"{name} is neither as it was nor as it should be")

    def check_later(self, desk):
        """The same command now goes on to the same results, and trains no run twice."""
        journal = desk / self.journal
        kept = journal.read_bytes().count(b"\n") if journal.exists() else 0
        if self.journal in self.end:
            later, lines = self.campaign.traced(desk, self.arguments, ["fdatasync"])
            wanted = self.end[self.journal].count(b"\n")
            added = sum(" fdatasync(" in line for line in lines)
            expect(added == wanted - kept, f"{kept} lines of {wanted} were kept, but {added} were added")
        else:
            later = self.campaign.dlr(desk, self.arguments)
        expect(later.code == 0, f"later it fails: {later}")
        expect(printed(later.out) == self.out, f"later it comes out otherwise: {later.out}")
        left = {name: now for name, now in self.read(desk).items() if not is_left_over(name)}
        expect(left == self.end, f"later files differ: {[name for name in left if left[name] != self.end.get(name)]}")

    def check(self, desk, done, may_leave=False):
        """After an end that was not brought about by a kill."""
        expect(done.code in CODES, f"exit code {done.code}: {done.err!r}")
        self.check_files(desk, may_leave)
        if done.code == 0:
            expect(printed(done.out) == self.out, f"it ended well, but otherwise: {done.out}")
        self.check_later(desk)

    def fault(self, call, error, when):
        desk = self.campaign.desk(self.fixture)
        done, lines = self.campaign.traced(desk, self.arguments, [call], [f"{call}:error={error}:when={when}"])
        hit = [line for line in lines if line.endswith("(INJECTED)")]
        try:
            if not hit:  # calls differ a little from run to run
                self.campaign.missed += 1
                return
            self.campaign.hits[call] += len(hit)
            # What was to be said on stderr may be what could not be written.
            if not any(" write(2," in line for line in hit):
                self.check_stderr(done)
            if error == "EINTR" and "O_DIRECTORY" not in hit[0]:  # a folder is opened without waiting
                expect(done.code == 0, f"an interrupted call is an error: {done.err!r}")
            self.check(desk, done, may_leave=call.startswith("unlink"))
        except Wrong as wrong:
            raise Wrong(f"{hit[0].split(maxsplit=1)[1][:120]}: {wrong}") from None
        finally:
            shutil.rmtree(desk)

    def kill(self, call, n):
        desk = self.campaign.desk(self.fixture)
        # Without its filter: with it, strace sends no signals.
        inject = [f"{call}:signal=SIGKILL:when={n}"]
        done, _ = self.campaign.traced(desk, self.arguments, [call], inject, fast=False)
        if done.code == 0:
            self.campaign.missed += 1
        else:
            self.campaign.hits["SIGKILL"] += 1
            expect(done.code == -signal.SIGKILL, f"exit code {done.code}: {done.err!r}")
            self.check_files(desk, may_leave=True)
        self.check_later(desk)
        shutil.rmtree(desk)

    def interrupt(self, call, n, name, code):
        desk = self.campaign.desk(self.fixture)
        number = getattr(signal, name)
        inject = [f"{call}:signal={name}:when={n}"]
        done, lines = self.campaign.traced(desk, self.arguments, [call, "rt_sigaction"], inject, fast=False)
        self.campaign.hits[name] += 1
        if done.code == code:
            kept = "dlr: interrupted; what was finished is kept, and the same command goes on from there\n"
            # Where two threads were hit, the second signal ended it at once.
            expect(kept.startswith(done.err), f"interrupted, but stderr has {done.err!r}")
        elif done.code != 0:
            expect(done.code == -number, f"exit code {done.code}: {done.err!r}")
            expect(not any(f"rt_sigaction({name}" in line for line in lines), "the end, though it listened")
        # Left over only where it did not listen yet, and was ended on the spot.
        self.check_files(desk, may_leave=done.code < 0)
        self.check_later(desk)
        shutil.rmtree(desk)

    def kill_at_random(self, round):
        """Killed up to three times, after less time than it takes."""
        numbers = random.Random(f"{self.campaign.options.seed} {round}")
        desk = self.campaign.desk(self.fixture)
        for _ in range(numbers.randint(1, 3)):
            try:
                self.campaign.dlr(desk, self.arguments, limit=numbers.uniform(0, self.seconds))
            except Wrong:  # killed, as it was not done by then
                self.campaign.hits["SIGKILL at random"] += 1
            self.check_files(desk, may_leave=True)
        self.check_later(desk)
        shutil.rmtree(desk)

    def limited(self, option, value):
        """A run with as much of something as prlimit lets it have."""
        desk = self.campaign.desk(self.fixture)
        before = ["prlimit", f"--{option}={value}"]
        done, lines = self.campaign.traced(desk, self.arguments, ["sigaltstack"], before=before)
        return desk, done, lines

    def limit(self, option, value):
        desk, done, lines = self.limited(option, value)
        # If it got as far as main. Where the C library has no memory for itself, it ends whatever program it is in.
        is_libc = any(line.startswith("Fatal glibc error: ") for line in done.err.splitlines())
        if any("sigaltstack({" in line for line in lines) and not is_libc:
            self.check_stderr(done)
            self.check(desk, done)
        shutil.rmtree(desk)

    def on_disk(self, kilobytes):
        """A run on a disk of that size, a copy of which is left."""
        desk = self.campaign.desk()
        (desk / "disk").mkdir()
        script = (
            'mount -t tmpfs -o size="$1"k disk disk && cp -a "$2/." disk/ && cd disk || exit 77; shift 2; "$@"; code=$?; '
            'cp -a . ../after; exit "$code"'
        )
        before = ["unshare", "--mount", "sh", "-c", script, "sh", str(kilobytes), str(self.fixture)]
        return desk, self.campaign.dlr(desk, self.arguments, before)

    def disk(self, kilobytes):
        desk, done = self.on_disk(kilobytes)
        if done.code != 77:  # what there is at the start has room
            self.check_stderr(done)
            self.check(desk / "after", done)
        shutil.rmtree(desk)


# ---------------------------------------------------------------------------------------------------------------------------
# Campaigns


def scenarios(campaign):
    """All scenarios, and what happens in each; what one leaves is what others start from."""
    (campaign.scratch / "nothing").mkdir()
    usual = (faults, kills, limits, disks)
    data = ["data", "cache", "/proc", "standard output", "start threads", "listen to signals", "memory"]
    look = f"data --data {campaign.scratch}/data --json"
    cold = Scenario(campaign, "prepare the cache", f"{look} --png sheet.png", [*data, "sheet.png"])
    yield cold, usual
    (cold.done / "sheet.png").unlink()
    yield Scenario(campaign, "start from the cache", look, data, cold.done), usual

    base = campaign.desk(cold.done)
    (base / "run.toml").write_text('hidden = 4\noptimizer = "adam"\nepochs = 2\ntarget = "none"\nthreads = 1\n')
    old = "--hidden 4 --seed 9 --images 100 --target none --epochs 1 --threads 1 -q --save net --checkpoint ckpt"
    expect(campaign.dlr(base, old).code == 0, "there is no old model")
    names = [*data, "net", "ckpt", "run.toml"]
    train = "--config run.toml --test-every 100 --save net --checkpoint ckpt --every 200 --json -q"
    train = Scenario(campaign, "train and save", train, names, base)
    yield train, (*usual, random_kills)
    trained = campaign.desk(train.done)
    resume = "--resume ckpt --epochs 3 --save net --json -q --threads 1"
    yield Scenario(campaign, "go on from a checkpoint", resume, names, trained), usual
    evaluate = "evaluate net --json --svg matrix.svg --png errors.png --threads 1"
    evaluated = Scenario(campaign, "evaluate", evaluate, [*names, "matrix.svg", "errors.png"], trained)
    yield evaluated, usual
    predict = "predict net errors.png --png seen.png --json"
    yield Scenario(campaign, "predict", predict, [*names, "errors.png", "seen.png"], campaign.desk(evaluated.done)), usual
    records = campaign.desk(cold.done)
    short = "--hidden 3 --epochs 2 --test-every 100 --target none --json -q --threads 1"
    made = [campaign.dlr(records, f"{short} {more}") for more in ("--runs 2", "--save net", "--load net")]
    expect(all(one.code == 0 for one in made), f"there are no records: {made}")
    (records / "result.json").write_text("".join(one.out for one in made))
    names = [*data, "result.json", "net"]
    yield Scenario(campaign, "verify", "verify result.json --json --threads 1", names, records), usual

    sweep = "compare sgd dlr --hidden 3 --runs 2 --epochs 2 --test-every 100 --journal journal --svg c.svg --json -q"
    names = [*data, "journal", "c.svg"]
    swept = Scenario(campaign, "make a sweep", f"{sweep} --jobs 1", names, cold.done)
    yield swept, (*usual, interrupts)
    torn = campaign.desk(cold.done)
    (torn / "journal").write_bytes(swept.end["journal"][:-300])
    yield Scenario(campaign, "go on with a torn sweep", f"{sweep} --jobs 1", names, torn), usual
    whole = campaign.desk(swept.done)
    (whole / "c.svg").unlink()
    yield Scenario(campaign, "report a complete sweep", f"{sweep} --jobs 1", names, whole), usual
    parts = campaign.desk(cold.done)
    for part in ("1/2", "2/2"):
        made = campaign.dlr(parts, f"reproduce fig1 --quick -q --out out --jobs 2 --shard {part}")
        expect(made.code == 0, f"there are no parts: {made}")
    yield Scenario(campaign, "join parts of a sweep", "sweep merge out", [*names, "out"], parts), usual
    search = "tune sgd --method sobol --trials 3 --runs 2 --hidden 3 --epochs 2 --test-every 100 --target 0.3"
    search += " --journal journal --svg t.svg --json -q --jobs 1"
    yield Scenario(campaign, "search", search, [*data, "journal", "t.svg"], cold.done), usual
    names = [*data, "out"]
    part = "reproduce fig2 --quick -q --out out --jobs 1 --shard 9/9"  # of eight that there are
    yield Scenario(campaign, "begin to reproduce", part, names, cold.done, "out/authors.9-of-9.journal"), usual
    for number, every, more in ((1, 5, ""), (2, 1, ""), (3, 1, f" --data {campaign.scratch}/more-data")):
        figure = f"reproduce fig{number} --quick -q --out out --jobs 1{more}"
        reproduced = campaign.desk(cold.done)
        made = campaign.dlr(reproduced, figure)
        expect(made.code == 0, f"there is no figure: {made}")
        runs = (reproduced / "out/authors.journal").read_bytes().splitlines(keepends=True)
        shutil.rmtree(reproduced / "out")
        (reproduced / "out").mkdir()
        (reproduced / "out/authors.journal").write_bytes(b"".join(runs[:-2]))
        name = f"reproduce Fig. {number}"
        yield Scenario(campaign, name, figure, names, reproduced, "out/authors.journal", every), usual
    longer = f"{sweep} --jobs 2 --runs 6 --epochs 20".replace("--runs 2 --epochs 2 ", "")
    yield Scenario(campaign, "make a longer sweep", longer, names, cold.done), (random_kills,)


def faults(campaign, scenario, some):
    """One call fails, or it and all that follow."""
    places = [(call, error, n) for call, n in scenario.places() for error in ERRORS[call]]
    alone = [(call, error, f"{n}") for call, error, n in places]
    lasting = [(call, error, f"{n}+") for call, error, n in places if error != "EINTR"]
    campaign.each(f"faults: {scenario.name}", scenario.fault, some(alone + lasting))


def kills(campaign, scenario, some):
    places = [(call, n) for call, n in scenario.places() if call in CHANGES]
    campaign.each(f"kills: {scenario.name}", scenario.kill, some(places))


def interrupts(campaign, scenario, some):
    """Ctrl-C and SIGTERM at every call that changes a file."""
    places = [(call, n) for call, n in scenario.places() if call in CHANGES]
    cases = [(*place, *how) for place in places for how in (("SIGINT", 130), ("SIGTERM", 143))]
    campaign.each(f"interrupts: {scenario.name}", scenario.interrupt, some(cases))


def random_kills(campaign, scenario, some):
    campaign.each(f"random kills: {scenario.name}", scenario.kill_at_random, some([(n,) for n in range(200)]))


def limits(campaign, scenario, some):
    """Memory and open files, from too little to enough."""
    for option, name, values in (("as", "memory", range(8 << 20, 1 << 30, 1 << 16)), ("nofile", "open files", range(64))):
        values = enough(values, lambda value: scenario.limited(option, value)[1])
        campaign.each(f"{name}: {scenario.name}", scenario.limit, some([(option, value) for value in values]))


def disks(campaign, scenario, some):
    """Disks with too little room, a page more each time."""
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        return print("SKIPPED: nothing can be mounted here, so no disk is full", file=sys.stderr)
    sizes = enough(range(4, 1 << 12, 4), lambda size: scenario.on_disk(size)[1])
    campaign.each(f"full disks: {scenario.name}", scenario.disk, some([(size,) for size in sizes]))


def enough(values, run):
    """The values up to the least with which a run ends well, and some more: it may end well without a cache."""
    return values[: bisect.bisect_left(values, True, key=lambda value: run(value).code == 0) + 10]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program", nargs="?", type=pathlib.Path, default=TARGET / "release" / "dlr", help="[target/release/dlr]")
    parser.add_argument("--quick", action="store_true", help="some of the cases, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1, help="which cases are some, and when to kill at random [%(default)s]")
    parser.add_argument("--only", default="", help="only those whose name has this in it, as in 'faults: make a sweep'")
    parser.add_argument("--at-once", type=int, default=2, help="processes at once [%(default)s]")
    options = parser.parse_args()
    missing = [tool for tool in ("strace", "prlimit", options.program) if not shutil.which(tool)]
    if missing:
        sys.exit(f"there is no {missing[0]}")
    step = 10 if options.quick else 1
    with tempfile.TemporaryDirectory(prefix="dlr-faults-") as scratch:
        campaign = Campaign(options, pathlib.Path(scratch))
        for scenario, works in scenarios(campaign):
            every = step * scenario.every
            for work in works:
                if options.only in f"{work.__name__}: {scenario.name}":
                    work(campaign, scenario, lambda cases, every=every: cases[options.seed % every :: every])
    hits = ", ".join(f"{call} {n}" for call, n in sorted(campaign.hits.items()))
    print(f"{campaign.cases} cases, {campaign.failed} failed, {campaign.missed} without a fault; {campaign.runs} runs of dlr")
    print(f"calls that failed: {hits}")
    if campaign.missed > campaign.cases / 100:
        print(f"FAILED: {campaign.missed} faults did not happen, which is more than chance explains")
        return True
    return campaign.failed > 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:  # of what has to hold before anything can be tested
        sys.exit(f"FAILED: {wrong}")
