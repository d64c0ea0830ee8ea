# SPDX-License-Identifier: Apache-2.0
"""Installs the build somewhere, and builds and tests the example plugin against nothing but that.

The example is copied out of the tree first, so that it can reach nothing of it; what it installs
is found by the programs of the installed prefix.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(*command, env=None):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", check=False)
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return done.stdout


def install(build, prefix, root):
    """Installs a build beneath ROOT, and says in its pkg-config files where that is."""
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--skip-subprojects",
        "--destdir", root)
    moved = root / prefix.lstrip("/")
    for file in moved.glob("lib/**/pkgconfig/*.pc"):
        text = file.read_text()
        file.write_text(re.sub(r"^prefix=.*$", f"prefix={moved}", text, flags=re.M))
    return moved


def environment(prefix):
    [library] = {file.parent for file in prefix.glob("lib/**/libzu-1.so")}
    env = {key: value for key, value in os.environ.items()
           if key not in ("ZU_MODULE_DIR", "PYTHONPATH", "MESON_BUILD_ROOT", "MESON_SOURCE_ROOT", "DESTDIR")}
    env["PKG_CONFIG_PATH"] = str(library / "pkgconfig")
    env["LD_LIBRARY_PATH"] = str(library)
    env["PATH"] = f"{prefix / 'bin'}:{env['PATH']}"
    return env, library


def main():
    build, source, prefix = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        top = pathlib.Path(name)
        moved = install(build, prefix, top / "root")
        env, library = environment(moved)
        shutil.copytree(source, top / "example")

        folder = top / "build"
        run("meson", "setup", folder, top / "example", "-Dwerror=true", f"-Dprefix={moved}",
            f"-Dlibdir={library}", env=env)
        run("ninja", "-j2", "-C", folder, env=env)
        run("meson", "test", "-C", folder, "--print-errorlogs", env=env)
        run("meson", "install", "-C", folder, "--no-rebuild", "--quiet", env=env)

        env["ZU_MODULE_DIR"] = run("pkg-config", "--variable=moduledir", "zu-1", env=env).strip()
        for kind, plugin in (("ex.greeters", "friendly"), ("zu.sinks", "ring"), ("zu.sinks", "memory")):
            print(run(moved / "bin" / "zu-conformance", "--kind", kind, "--name", plugin, env=env))


if __name__ == "__main__":
    main()
