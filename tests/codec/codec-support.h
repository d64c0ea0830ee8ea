/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* A key provider whose keys a test sets, and may change while others read. */
#define TEST_TYPE_KEYS (test_keys_get_type ())
G_DECLARE_FINAL_TYPE (TestKeys, test_keys, TEST, KEYS, GObject)

TestKeys *test_keys_new (void);
void test_keys_add (TestKeys *self, const char *id, ZuSecret *key);
void test_keys_add_random (TestKeys *self, const char *id);
void test_keys_set_current (TestKeys *self, const char *id);
guint test_keys_get_n_asked (TestKeys *self);

GType plugin_type (const char *kind, const char *name);
ZuPayloadCodec *codec_new (ZuSecret *key);
ZuPayloadCodec *managed_new (TestKeys *keys);

GBytes *bytes_from_text (const char *text);
GBytes *encode (ZuPayloadCodec *codec, const char *text, const char *associated);
GBytes *try_encode (ZuPayloadCodec *codec, const char *text, const char *associated,
                    GError **error);
GBytes *try_decode (ZuPayloadCodec *codec, GBytes *body, const char *associated, GError **error);
void assert_decodes (ZuPayloadCodec *codec, GBytes *body, const char *associated, const char *text);
void assert_undecodable (ZuPayloadCodec *codec, GBytes *body, const char *associated);

G_END_DECLS
