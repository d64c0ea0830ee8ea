#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the powers of ten that the shortest spelling of a double is computed from.

Entry k is the smallest 128-bit integer that is not below 10^k * 2^s, where s puts its highest bit
at position 127, for every k that a double needs.
"""
import sys

K_MIN, K_MAX = -292, 324


def power(k: int) -> int:
    shift = 127 - (k * 1741647 >> 19)
    if k < 0:
        value = -(-(1 << shift) // 10**-k)
    elif shift >= 0:
        value = 10**k << shift
    else:
        value = -(-(10**k) >> -shift)
    assert value.bit_length() == 128
    return value


def main() -> None:
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("/* Made by zu-pow10.py. */\n#pragma once\n\n")
        out.write("#ifndef __GI_SCANNER__\n")
        out.write(f"#define ZU_POW10_MIN ({K_MIN})\n#define ZU_POW10_MAX {K_MAX}\n\n")
        out.write("static const struct { guint64 high, low; } zu_pow10[] = {\n")
        for k in range(K_MIN, K_MAX + 1):
            value = power(k)
            out.write(f"  {{ 0x{value >> 64:016x}u, 0x{value & (1 << 64) - 1:016x}u }},\n")
        out.write("};\n#endif\n")


main()
