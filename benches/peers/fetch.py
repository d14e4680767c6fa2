"""Fetches the peers into a scratch folder: Debian packages are unpacked, never installed; PyPI's go into a venv."""

import glob
import os
import subprocess
import sys

DEBIAN = ["runit", "s6", "libs6-2.11", "libexecline2.9", "libskarnet2.13", "execline", "monit"]
PYPI = ["supervisor", "circus"]
HERE = os.path.dirname(os.path.abspath(__file__))


def fetch(scratch):
    """Brings what is missing. What can't be had is left out, and its subject says so."""
    os.makedirs(scratch, exist_ok=True)
    compile_service(scratch)
    for package in DEBIAN:
        attempt(package, lambda package=package: debian(scratch, package))
    for package in PYPI:
        attempt(package, lambda package=package: pypi(scratch, package))


def attempt(package, bring):
    try:
        bring()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{package} can't be had: {error}", file=sys.stderr)


def compile_service(scratch):
    source = os.path.join(HERE, "service.c")
    subprocess.run(["cc", "-O2", "-static", "-Wall", "-o", f"{scratch}/service", source], check=True)


def debian(scratch, package):
    root = f"{scratch}/{package}"
    if os.path.isdir(root):
        return
    os.makedirs(f"{scratch}/debs", exist_ok=True)
    subprocess.run(["apt-get", "download", "-qq", package], cwd=f"{scratch}/debs", check=True)
    (file,) = glob.glob(f"{scratch}/debs/{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", file, root], check=True)


def pypi(scratch, package):
    venv = f"{scratch}/venv"
    if not os.path.exists(f"{venv}/bin/pip"):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([f"{venv}/bin/pip", "install", "-q", package], check=True)


def libraries(scratch):
    """Where the unpacked shared libraries are, for LD_LIBRARY_PATH."""
    return ":".join(sorted({os.path.dirname(path) for path in glob.glob(f"{scratch}/lib*/usr/lib/**/*.so*", recursive=True)}))
