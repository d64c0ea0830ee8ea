/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is measured and what it talks to, each in a process of its own. */
typedef struct
{
  guint16 sink_port; /* swallows everything, and closes at the end */
  guint16 echo_port;
  guint16 http_port;
  guint16 bare_sink_port; /* the bare relay, to each of them */
  guint16 bare_http_port;
  guint16 proxy_port;
  guint16 tiny_port; /* 0 where tinyproxy is not installed */
  int proxy_pid;
  int tiny_pid;
  GArray *pids;
  char *folder;
} EgressWorld;

void egress_world_set_up (EgressWorld *self);
void egress_world_tear_down (EgressWorld *self);

int egress_connect (guint16 port);
void egress_ask_tunnel (int fd, guint16 port);
void egress_send (int fd, const void *data, gsize size);
void egress_drain (int fd);
void egress_read_answer (int fd);
gsize egress_resident (int pid);

/* The bare relay; does not return. */
void egress_serve_relay (int listener, guint16 to) G_GNUC_NORETURN;
void egress_serve_answers (int listener, char kind) G_GNUC_NORETURN;

G_END_DECLS
