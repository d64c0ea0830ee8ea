# SPDX-License-Identifier: Apache-2.0
"""Makes the table of the address guard, in C, from special-addresses.csv; refuses what is odd in it."""

from __future__ import annotations

import ipaddress
import sys

REACHABLE = ("yes", "no", "n/a", "-")


def read(path: str) -> list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str, str]]:
    rows = []
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            source, block, reachable, verdict, name = line.rstrip("\n").split(",", 4)
            network = ipaddress.ip_network(block)
            kind, _, offset = verdict.partition(":")
            if (source not in ("v4", "m4", "v6", "s6", "we") or reachable not in REACHABLE
                    or kind not in ("internal", "public", "embeds") or (kind == "embeds") != bool(offset)):
                sys.exit(f"{path}:{number}: not understood")
            if reachable == "no" and kind == "public":
                sys.exit(f"{path}:{number}: {block} is not globally reachable and cannot be public")
            rows.append((network, verdict, name))
    if len({row[0] for row in rows}) != len(rows):
        sys.exit(f"{path}: a block is there twice")
    return rows


def main(source: str, target: str) -> None:
    rows = sorted(read(source), key=lambda row: (row[0].version, -row[0].prefixlen, row[0]))
    with open(target, "w", encoding="ascii") as out:
        out.write("/* Made from special-addresses.csv: the longest blocks of a family first. */\n\n")
        out.write("static const Block blocks[] = {\n")
        for network, verdict, name in rows:
            data = ", ".join(f"0x{byte:02x}" for byte in network.network_address.packed)
            kind, _, offset = verdict.partition(":")
            out.write(f'  {{ {{ {{ {data} }}, {network.max_prefixlen // 8} }}, {network.prefixlen}, '
                      f'BLOCK_{kind.upper()}, {offset or 0}, "{network}", "{name}" }},\n')
        out.write("};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
