# SPDX-License-Identifier: Apache-2.0
"""Counts the cases that a test run's JUnit file tells of, and closes with one line."""

import sys
import xml.etree.ElementTree as ET


def main(path: str) -> int:
    passed = failed = skipped = 0
    for suite in ET.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
