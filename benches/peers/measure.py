"""The measurements. All run inside a PID namespace of their own, so that every process in it is of the trial."""

import glob
import os
import random
import signal
import statistics
import subprocess
import time

from subjects import remove

IDLE_SECONDS = 20
# Each of so many services crashes once: what counts is the first crash after a healthy time.
CRASHES = 50
# Longer than what each calls a healthy time (ours: Ready after 1 s, healthy 3 s after that).
HEALTHY_SECONDS = 4.5
LIMIT_SECONDS = 60


class Trial:
    """A supervisor over some services, from its start to the end of everything."""

    def __init__(self, subject, folder, count):
        remove(folder)
        self.subject, self.count = subject, count
        subject.begin(folder, count)
        self.read, self.stamps = 0, []
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_everything()
        if self.process:
            self.process.wait()
        remove(self.subject.dir)

    def start(self):
        self.began = time.monotonic_ns()
        self.process = self.subject.start()

    def new_stamps(self):
        """What services noted since the last call: (id, pid, nanoseconds)."""
        with open(self.subject.notes, "rb") as file:
            file.seek(self.read)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self.read += len(whole)
        rows = [line.split() for line in whole.splitlines()]
        new = [(int(row[0]), int(row[1]), int(row[2])) for row in rows]
        self.stamps += new
        return new

    def wait_for(self, number, seconds=LIMIT_SECONDS):
        """So many stamps in all, or fewer if the time is over."""
        end = time.monotonic() + seconds
        while len(self.stamps) < number and time.monotonic() < end:
            time.sleep(0.002)
            self.new_stamps()
        return len(self.stamps) >= number

    def copies(self):
        """PIDs of services that run."""
        return [pid for pid in pids() if argv(pid)[1:2] == [self.subject.notes.encode()]]

    def supervisors(self):
        """PIDs of what runs besides the services and this program."""
        services = set(self.copies())
        return [pid for pid in pids() if pid not in services and pid not in (1, os.getpid()) and state(pid) != "Z"]


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def argv(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def stat(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return []


def state(pid):
    fields = stat(pid)
    return fields[0] if fields else "Z"


def end_everything():
    """All that is left in this namespace; this program is its PID 1 or a child of that."""
    for _ in range(200):
        left = [pid for pid in pids() if pid not in (1, os.getpid()) and state(pid) != "Z"]
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def copies_after_kill(subject, folder):
    """Copies of one service after kill -9 of every process of its supervisor and a new start of that."""
    with Trial(subject, folder, 1) as trial:
        trial.start()
        if not trial.wait_for(1):
            return None
        time.sleep(1.5)
        for pid in trial.supervisors():
            os.kill(pid, signal.SIGKILL)
        trial.process.wait()
        time.sleep(0.3)
        trial.start()
        time.sleep(6)
        return len(trial.copies())


def left_over(subject, folder, count=10):
    """Of ten services, those that live after the orderly end."""
    with Trial(subject, folder, count) as trial:
        trial.start()
        if not trial.wait_for(count):
            return None
        time.sleep(2)
        subject.stop(trial.process)
        end = time.monotonic() + 45
        while trial.copies() and time.monotonic() < end:
            time.sleep(0.05)
        return len(trial.copies())


def crash_to_restart(subject, folder):
    """Milliseconds from kill -9 of a healthy service until its replacement executes: all of them."""
    with Trial(subject, folder, CRASHES) as trial:
        trial.start()
        if not trial.wait_for(CRASHES):
            return []
        time.sleep(HEALTHY_SECONDS)
        times = []
        chance = random.Random(1)
        for number, pid, _ in list(trial.stamps):
            # Never in step with somebody's polling.
            time.sleep(0.1 + chance.random() * 0.2)
            killed = time.monotonic_ns()
            os.kill(pid, signal.SIGKILL)
            if trial.wait_for(len(trial.stamps) + 1, 15) and trial.stamps[-1][0] == number:
                times.append((trial.stamps[-1][2] - killed) / 1e6)
        return times


def start_many(subject, folder, count):
    """Milliseconds until all run, then what the supervisor's processes cost while nothing happens."""
    with Trial(subject, folder, count) as trial:
        trial.start()
        if not trial.wait_for(count, 120):
            return None
        started = (max(when for *_, when in trial.stamps) - trial.began) / 1e6
        time.sleep(5)
        processes = trial.supervisors()
        memory = sum(pss(pid) for pid in processes) / 1024
        before = usage(processes)
        time.sleep(IDLE_SECONDS)
        after = usage(processes)
        ticks, switches = after[0] - before[0], after[1] - before[1]
        cpu = ticks / os.sysconf("SC_CLK_TCK") / IDLE_SECONDS * 100
        return {"started": started, "pss": memory, "cpu": cpu, "wakeups": switches / IDLE_SECONDS, "processes": len(processes)}


def pss(pid):
    """KiB, proc_pid_smaps(5)."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def usage(processes):
    """CPU ticks and voluntary context switches of all threads."""
    ticks = switches = 0
    for pid in processes:
        fields = stat(pid)
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
        for thread in os.listdir(f"/proc/{pid}/task") if os.path.isdir(f"/proc/{pid}/task") else []:
            try:
                with open(f"/proc/{pid}/task/{thread}/status") as file:
                    switches += next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt"))
            except (OSError, StopIteration):
                pass
    return ticks, switches


def change_to_running(subject, folder, count=20, rounds=5):
    """Milliseconds from a new file of configuration until its service executes, median."""
    times = []
    with Trial(subject, folder, count) as trial:
        trial.start()
        if not trial.wait_for(count):
            return None
        time.sleep(6)
        for number in range(count, count + rounds):
            written = time.monotonic_ns()
            subject.add(number)
            subject.reload()
            if trial.wait_for(len(trial.stamps) + 1, 20) and trial.stamps[-1][0] == number:
                times.append((trial.stamps[-1][2] - written) / 1e6)
            time.sleep(1.3)
    return statistics.median(times) if times else None


def version(subject):
    """What was measured: the version of the package that was unpacked, else what the program says."""
    packages = glob.glob(f"{subject.scratch}/debs/{subject.name}_*.deb")
    if packages:
        return os.path.basename(packages[0]).split("_")[1]
    done = subprocess.run([subject.program_path(), "--version"], capture_output=True, text=True, timeout=10,
                          env=subject.environment(), check=False)
    return (done.stdout or done.stderr).strip().split()[-1]
