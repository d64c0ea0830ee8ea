/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Plain C: the keeper has no GLib. Whether the container is gone for certain. */
int zu_engine_remove (const char *socket_path, const char *container, int is_ending,
                      int timeout_ms);
