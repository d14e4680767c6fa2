"""The supervisors: how each is configured, started, told of a new service, and ended in its orderly way.

Each gets the settings that its manual recommends for quick restarts; what differs from its defaults stands in `note`.
"""

import os
import shutil
import signal
import subprocess

from fetch import libraries


class Subject:
    """One supervisor with a folder of its own for each trial."""

    name, note, program = "", "", ""

    def __init__(self, scratch, ours):
        self.scratch, self.ours = scratch, ours
        self.dir, self.notes = "", ""

    def begin(self, folder, count):
        self.dir, self.notes = folder, f"{folder}/notes"
        os.makedirs(folder)
        open(self.notes, "w").close()
        self.prepare()
        for number in range(count):
            self.add(number)

    def command(self, number):
        return [f"{self.scratch}/service", self.notes, str(number)]

    def put(self, path, text, mode=0o644):
        path = f"{self.dir}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # Whoever watches the folder finds the whole file or none.
        with open(path + ".new", "w") as file:
            file.write(text)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    def environment(self):
        return dict(os.environ)

    def there(self):
        return os.path.exists(self.program_path())

    def program_path(self):
        return self.program.format(scratch=self.scratch, ours=self.ours)

    def start(self):
        quiet = open(f"{self.dir}/said", "a")
        return subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=quiet, stderr=quiet,
                                env=self.environment(), start_new_session=True)

    def run(self, *argv):
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=self.environment(), timeout=60, check=False)

    def enter(self):
        """What the mount namespace of the trials needs."""

    def prepare(self):
        """What is not of a single service."""

    def add(self, number):
        """Writes the configuration of one service."""
        raise NotImplementedError

    def reload(self):
        """Tells a running supervisor that the configuration changed; nothing where it looks by itself."""

    def stop(self, process):
        """The orderly end: services and supervisor."""
        process.send_signal(signal.SIGTERM)


class Ours(Subject):
    name, program = "selfsame", "{ours}"
    note = "defaults; `stop --all` before TERM, since its own end leaves services alone"

    def add(self, number):
        startas, *args = self.command(number)
        self.put(f"specs/s{number}.yaml",
                 f"apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: s{number}}}\nspec:\n"
                 f"  startas: {startas}\n  args: [{', '.join(args[:1])}, '{args[1]}']\n  stdout: null\n  stderr: null\n")

    def environment(self):
        return {**os.environ, "SELFSAME_STATE_DIR": f"{self.dir}/state"}

    def argv(self):
        return [self.ours, "watch", f"{self.dir}/specs"]

    def stop(self, process):
        self.run(self.ours, "stop", "--all")
        process.send_signal(signal.SIGTERM)


class Supervisord(Subject):
    name, program = "supervisord", "{scratch}/venv/bin/supervisord"
    note = "startsecs 1, no log files"

    def prepare(self):
        self.put("main.conf",
                 f"[unix_http_server]\nfile={self.dir}/socket\n"
                 f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={self.dir}/pid\nminfds=8192\n"
                 "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
                 f"[supervisorctl]\nserverurl=unix://{self.dir}/socket\n[include]\nfiles={self.dir}/services/*.conf\n")

    def add(self, number):
        self.put(f"services/s{number}.conf",
                 f"[program:s{number}]\ncommand={' '.join(self.command(number))}\nautorestart=true\nstartretries=100000\n"
                 "stdout_logfile=NONE\nstderr_logfile=NONE\n")

    def argv(self):
        return [self.program_path(), "-c", f"{self.dir}/main.conf"]

    def reload(self):
        self.run(f"{self.scratch}/venv/bin/supervisorctl", "-c", f"{self.dir}/main.conf", "update")


class Circus(Subject):
    name, program = "circus", "{scratch}/venv/bin/circusd"
    note = "check_delay 0.1 s instead of 5 s, warmup_delay 0"

    def prepare(self):
        self.put("circus.ini",
                 f"[circus]\ncheck_delay=0.1\nwarmup_delay=0\nloglevel=ERROR\nendpoint=ipc://{self.dir}/endpoint\n"
                 f"pubsub_endpoint=ipc://{self.dir}/pubsub\ninclude={self.dir}/services/*.ini\n")

    def add(self, number):
        self.put(f"services/s{number}.ini",
                 f"[watcher:s{number}]\ncmd={' '.join(self.command(number))}\nwarmup_delay=0\nmax_retry=-1\n")

    def argv(self):
        return [self.program_path(), f"{self.dir}/circus.ini"]

    def reload(self):
        self.run(f"{self.scratch}/venv/bin/circusctl", "--endpoint", f"ipc://{self.dir}/endpoint", "reloadconfig")


class ServiceFolders(Subject):
    """Those with a folder for each service."""

    script = "#!/bin/sh\nexec {command}\n"

    def add(self, number):
        staged = f"staged/s{number}"
        self.put(f"{staged}/run", self.script.format(command=" ".join(self.command(number))), 0o755)
        self.more(staged)
        os.makedirs(f"{self.dir}/scan", exist_ok=True)
        os.symlink(f"{self.dir}/{staged}", f"{self.dir}/scan/s{number}")

    def more(self, staged):
        """Further files of a service."""


class Runit(ServiceFolders):
    name, program = "runit", "{scratch}/runit/usr/bin/runsvdir"
    note = "run scripts of /bin/sh; looks at its folder every 5 s; HUP for an orderly end"

    def environment(self):
        return {**os.environ, "PATH": f"{self.scratch}/runit/usr/bin:{os.environ['PATH']}"}

    def argv(self):
        return [self.program_path(), f"{self.dir}/scan"]

    def stop(self, process):
        process.send_signal(signal.SIGHUP)


class S6(ServiceFolders):
    name, program = "s6", "{scratch}/s6/usr/bin/s6-svscan"
    note = "run scripts of /bin/sh that tell their readiness, else each restart waits 1 s"
    script = "#!/bin/sh\necho >&3\nexec 3>&-\nexec {command}\n"

    def environment(self):
        return {**os.environ, "PATH": f"{self.scratch}/s6/usr/bin:{self.scratch}/execline/usr/bin:{os.environ['PATH']}",
                "LD_LIBRARY_PATH": libraries(self.scratch)}

    def enter(self):
        # It executes /usr/bin/s6-supervise by that name.
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.scratch}/s6/usr/bin:/usr/bin", "/usr/bin"], check=True)

    def more(self, staged):
        self.put(f"{staged}/notification-fd", "3\n")

    def argv(self):
        return [self.program_path(), "-c", "1200", f"{self.dir}/scan"]

    def reload(self):
        self.run(f"{self.scratch}/s6/usr/bin/s6-svscanctl", "-a", f"{self.dir}/scan")

    def stop(self, process):
        self.run(f"{self.scratch}/s6/usr/bin/s6-svscanctl", "-t", f"{self.dir}/scan")


class Monit(Subject):
    name, program = "monit", "{scratch}/monit/usr/bin/monit"
    note = "a cycle of 1 s, its shortest; services are daemons with a pid file; `stop all` for an orderly end"

    def prepare(self):
        os.makedirs(f"{self.dir}/pids")
        self.put("monitrc",
                 f"set daemon 1\nset pidfile {self.dir}/pid\nset statefile {self.dir}/stated\nset idfile {self.dir}/id\n"
                 f"set log {self.dir}/log\nset httpd unixsocket {self.dir}/socket\n  allow somebody:something\ninclude {self.dir}/services/*\n", 0o600)

    def add(self, number):
        pidfile = f"{self.dir}/pids/{number}"
        self.put(f"services/s{number}",
                 f"check process s{number} with pidfile {pidfile}\n"
                 f'  start program = "{" ".join(self.command(number))} {pidfile}"\n'
                 f'  stop program = "/bin/sh -c \'kill $(cat {pidfile})\'"\n', 0o600)

    def put(self, path, text, mode=0o644):
        # Written aside of its folder: monit reads every file in it.
        os.makedirs(f"{self.dir}/aside", exist_ok=True)
        aside = f"{self.dir}/aside/{os.path.basename(path)}"
        with open(aside, "w") as file:
            file.write(text)
        os.chmod(aside, mode)
        os.makedirs(os.path.dirname(f"{self.dir}/{path}"), exist_ok=True)
        os.rename(aside, f"{self.dir}/{path}")

    def argv(self):
        return [self.program_path(), "-I", "-c", f"{self.dir}/monitrc"]

    def reload(self):
        self.run(self.program_path(), "-c", f"{self.dir}/monitrc", "reload")

    def stop(self, process):
        self.run(self.program_path(), "-c", f"{self.dir}/monitrc", "stop", "all")


SUBJECTS = [Ours, Supervisord, Runit, S6, Monit, Circus]


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
