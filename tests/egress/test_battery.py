# SPDX-License-Identifier: Apache-2.0
"""The same attacks on what is around a sandbox by default, and on rules in a namespace of its own."""

from __future__ import annotations

import atexit
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "zuctl"))
import battery  # noqa: E402
import support  # noqa: E402
from world import Resolver, enter, run  # noqa: E402


class Bubblewrap(battery.Battery):
    mechanism = battery.Run()


class Nftables(battery.Battery):
    mechanism = battery.Namespace("nftables")


if __name__ == "__main__":
    enter()
    run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    battery.Battery.world = battery.World(Resolver())
    atexit.register(battery.Battery.world.close)
    support.main()
