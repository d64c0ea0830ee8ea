/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/* Descriptors of a folder and of the files in it, handed out only where nobody but the owner and
 * root may have changed the folder, or read the file. -1 in case of an error; a file that is not
 * there is G_IO_ERROR_NOT_FOUND. */
int zu_credential_folder_open (const char *path, GError **error);
int zu_credential_folder_open_file (int folder, const char *name, GError **error);
