/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rpc-frame.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

#define ZU_RPC_HEADER_SIZE 4

gboolean zu_rpc_frame_check_header (const guint8 header[ZU_RPC_HEADER_SIZE], gsize *size,
                                    GError **error);
ZuJson *zu_rpc_frame_parse (const char *body, gsize size, GError **error);

/* Reads frames from a socket, as many as one read brings. One thread at a time. */
typedef struct
{
  int fd;
  guint8 *data;
  gsize start;
  gsize end;
  gsize capacity;
} ZuRpcReader;

void zu_rpc_reader_init (ZuRpcReader *self, int fd);
void zu_rpc_reader_clear (ZuRpcReader *self);
gboolean zu_rpc_reader_peek (ZuRpcReader *self, const char **body, gsize *size, GError **error);
void zu_rpc_reader_pass (ZuRpcReader *self, gsize size);
gboolean zu_rpc_reader_fill (ZuRpcReader *self, GCancellable *cancellable, GError **error);

/* Sends frames from any number of threads: who finds nobody sending sends for all. */
typedef struct
{
  int fd;
  GMutex lock;
  GByteArray *queued;
  GByteArray *sending;
  gsize sent;
  gboolean busy;
  gboolean failed;
} ZuRpcWriter;

typedef enum
{
  ZU_RPC_FLUSH_DONE,
  ZU_RPC_FLUSH_STALLED,
  ZU_RPC_FLUSH_FAILED,
} ZuRpcFlush;

void zu_rpc_writer_init (ZuRpcWriter *self, int fd);
void zu_rpc_writer_clear (ZuRpcWriter *self);
gsize zu_rpc_writer_push (ZuRpcWriter *self, const char *body, gsize size);
ZuRpcFlush zu_rpc_writer_flush (ZuRpcWriter *self, gboolean wait);
ZuRpcFlush zu_rpc_writer_resume (ZuRpcWriter *self);

#pragma GCC visibility pop

G_END_DECLS
