# SPDX-License-Identifier: Apache-2.0
"""zu-portgen: makes of a port, described once in YAML, everything that must agree with it."""
