/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The entry that libFuzzer calls, and fuzz-main.c for each input of a corpus. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
