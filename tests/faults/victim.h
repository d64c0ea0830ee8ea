/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

/* A small closed log, to be changed in every way. */
typedef struct
{
  const char *kind;
  char *folder;
  char *path;
  char *uri;
  ZuSecret *key;
  char *bytes;
  gsize size;
  char *content; /* all that readers get of the log as it was */
  ZuAnchor *anchor;
  time_t clock;
} Victim;

void victim_init (Victim *self, const char *kind);
void victim_clear (Victim *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Victim, victim_clear)

ZuEventSink *victim_open (Victim *self);
char *victim_read (Victim *self);
void victim_sql (Victim *self, const char *statements);
void victim_put (Victim *self, gsize place, const char *bytes, gsize size);
void victim_cut (Victim *self, gsize size);
void victim_heal (Victim *self);
gboolean victim_is_behind_anchor (Victim *self);
gboolean victim_is_noticed (Victim *self, const char *what, gsize place);
