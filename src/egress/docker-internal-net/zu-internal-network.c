/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-internal-network.h"

#include "zu-address.h"
#include "zu-peek.h"

#include <string.h>
#include <unistd.h>

#define FAILED  ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_FAILED
#define REFUSED ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY

#define LABEL         "org.zu.enforcement"
#define LABEL_VALUE   "docker-internal-net"
#define LABEL_OWNER   "org.zu.owner"
#define LABEL_PROCESS "org.zu.process"
#define BRIDGE_OPTION "com.docker.network.bridge.name"
#define BRIDGE_PREFIX "zu-"
#define N_DIGITS      12
#define MAX_NAME      64
#define HEX           "0123456789abcdef"

/* The smallest network that has the address in the middle of it, and none so large that it hides
 * what is elsewhere. */
#define LONGEST_PREFIX  29
#define SHORTEST_PREFIX 24

/* What an engine says of a network that a container has not left yet, and how long that may take.
 */
#define STATUS_IN_USE 403
#define LEAVE_MS      10000
#define LEAVE_STEP_MS 20

void
zu_internal_network_free (ZuInternalNetwork *self)
{
  g_free (self->name);
  g_free (self->id);
  g_free (self->bridge);
  g_free (self->subnet);
  g_free (self->gateway);
  g_free (self->process);
  g_free (self);
}

/* As an engine allows it, and as a launch spec takes it for an isolated network. */
gboolean
zu_internal_network_check_name (const char *name, GError **error)
{
  static const char *const reserved[] = { "host", "none", "bridge", "default", "container", NULL };
  gsize length = strspn (name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_.-");

  if (g_ascii_isalnum (*name) && name[length] == '\0' && length <= MAX_NAME
      && !g_strv_contains (reserved, name))
    return TRUE;
  g_set_error (error, REFUSED,
               "'%.80s' cannot name an internal network (it may have letters, digits, '.', '_' and "
               "'-', and %d of them)",
               name, MAX_NAME);
  return FALSE;
}

/* What everything of a network is named by that has less room than its name. */
char *
zu_internal_network_dup_digits (const char *name)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);

  return g_strndup (digest, N_DIGITS);
}

static char *
make_bridge (const char *name)
{
  g_autofree char *digits = zu_internal_network_dup_digits (name);

  return g_strconcat (BRIDGE_PREFIX, digits, NULL);
}

static gboolean
take_error (ZuDockerEngine *engine, const char *what, guint status, ZuJson *answer, GError **error)
{
  g_autofree char *message = zu_peek_member_text (answer, "message");

  g_set_error (error, FAILED, "the engine at %s %s: %s (%u)",
               zu_docker_engine_get_address (engine)->text, what,
               message != NULL && *message != '\0' ? g_strstrip (message) : "it does not say why",
               status);
  return FALSE;
}

/* The engine's client speaks of backends. */
static ZuJson *
call (ZuDockerEngine *engine, const char *method, const char *path, ZuJson *body, guint *status,
      GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) why = NULL;
  ZuJson *answer = zu_docker_engine_call (engine, method, path, body, status, cancellable, &why);

  if (answer != NULL)
    return answer;
  if (g_error_matches (why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&why));
  else
    g_set_error_literal (error, FAILED, why->message);
  return NULL;
}

/* An address or network as the kernel's rules have it: read, and written anew. */
static char *
dup_address (const char *text)
{
  ZuAddress address;

  return text != NULL && zu_address_parse (&address, text) && address.length == 4
             ? zu_address_to_string (&address)
             : NULL;
}

static char *
dup_subnet (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", "/", 2);
  g_autofree char *base = g_strv_length (parts) == 2 ? dup_address (parts[0]) : NULL;
  guint64 prefix;

  if (base == NULL || !g_ascii_string_to_unsigned (parts[1], 10, 1, 32, &prefix, NULL))
    return NULL;
  return g_strdup_printf ("%s/%u", base, (guint) prefix);
}

/* The IPv4 half of it, which is the only one we ask for. */
static void
read_addresses (ZuInternalNetwork *self, ZuJson *answer)
{
  g_autoptr (ZuJson) ipam = zu_peek_member (answer, "IPAM");
  g_autoptr (ZuJson) list = ipam != NULL ? zu_peek_member (ipam, "Config") : NULL;

  if (zu_peek_is_absent (list) || zu_json_get_kind (list) != ZU_JSON_KIND_ARRAY)
    return;
  for (gsize i = 0; i < zu_peek_size (list) && self->gateway == NULL; i++)
    {
      g_autoptr (ZuJson) config = zu_json_dup_element (list, i);
      g_autofree char *subnet = zu_peek_member_text (config, "Subnet");
      g_autofree char *gateway = zu_peek_member_text (config, "Gateway");

      self->subnet = dup_subnet (subnet);
      self->gateway = self->subnet != NULL ? dup_address (gateway) : NULL;
      if (self->gateway == NULL)
        g_clear_pointer (&self->subnet, g_free);
    }
}

/* NULL for what is not ours: without our label, our bridge's name, or open to the outside. */
static ZuInternalNetwork *
read_network (ZuJson *answer)
{
  g_autoptr (ZuInternalNetwork) self = g_new0 (ZuInternalNetwork, 1);
  g_autoptr (ZuJson) labels = zu_peek_member (answer, "Labels");
  g_autoptr (ZuJson) options = zu_peek_member (answer, "Options");
  g_autofree char *label = zu_peek_member_text (labels, LABEL);
  g_autofree char *expected = NULL;

  self->name = zu_peek_member_text (answer, "Name");
  self->id = zu_peek_member_text (answer, "Id");
  self->bridge = zu_peek_member_text (options, BRIDGE_OPTION);
  self->process = zu_peek_member_text (labels, LABEL_PROCESS);
  if (self->name == NULL || self->id == NULL || g_strcmp0 (label, LABEL_VALUE) != 0
      || !zu_internal_network_check_name (self->name, NULL)
      || strspn (self->id, HEX) != strlen (self->id))
    return NULL;
  expected = make_bridge (self->name);
  read_addresses (self, answer);
  if (g_strcmp0 (self->bridge, expected) != 0 || self->gateway == NULL
      || !zu_peek_member_boolean (answer, "Internal"))
    return NULL;
  return g_steal_pointer (&self);
}

ZuInternalNetwork *
zu_internal_network_find (ZuDockerEngine *engine, const char *name, GCancellable *cancellable,
                          GError **error)
{
  g_autofree char *path = g_strdup_printf ("/networks/%s", name);
  g_autofree char *found = NULL;
  guint status;
  g_autoptr (ZuJson) answer = call (engine, "GET", path, NULL, &status, cancellable, error);
  ZuInternalNetwork *self;

  if (answer == NULL)
    return NULL;
  if (status != 200 && status != 404)
    take_error (engine, "does not tell of the network", status, answer, error);
  found = status == 200 ? zu_peek_member_text (answer, "Name") : NULL;
  /* The beginning of another one's id would do for the engine. */
  if (g_strcmp0 (found, name) != 0)
    return NULL;
  self = read_network (answer);
  if (self == NULL)
    g_set_error (error, REFUSED, "the network '%s' of the engine at %s is not one of ours", name,
                 zu_docker_engine_get_address (engine)->text);
  return self;
}

static void
put_text (ZuJsonBuilder *b, const char *name, const char *value)
{
  zu_json_builder_set_member (b, name);
  zu_json_builder_add_string (b, value);
}

static void
put_true (ZuJsonBuilder *b, const char *name)
{
  zu_json_builder_set_member (b, name);
  zu_json_builder_add_boolean (b, TRUE);
}

static guint32
get_number (const ZuAddress *address)
{
  return (guint32) address->bytes[0] << 24 | (guint32) address->bytes[1] << 16
         | (guint32) address->bytes[2] << 8 | address->bytes[3];
}

/* NULL where the address is the first or the last of whatever network it is in. */
static char *
make_subnet (const ZuAddress *gateway)
{
  for (guint prefix = LONGEST_PREFIX; prefix >= SHORTEST_PREFIX; prefix--)
    {
      guint32 hosts = G_MAXUINT32 >> prefix, number = get_number (gateway), base = number & ~hosts;

      if ((number & hosts) != 0 && (number & hosts) != hosts)
        return g_strdup_printf ("%u.%u.%u.%u/%u", base >> 24, base >> 16 & 255, base >> 8 & 255,
                                base & 255, prefix);
    }
  return NULL;
}

/* Without one the engine takes one that is free. */
static gboolean
put_addresses (ZuJsonBuilder *b, const char *gateway, GError **error)
{
  g_autofree char *subnet = NULL;
  ZuAddress address;

  if (gateway == NULL)
    return TRUE;
  if (zu_address_parse (&address, gateway) && address.length == 4 && address.bytes[0] != 0
      && address.bytes[0] != 127 && address.bytes[0] < 224)
    subnet = make_subnet (&address);
  if (subnet == NULL)
    {
      g_set_error (error, REFUSED,
                   "'%s' cannot be an internal network's gateway, which is where its proxy is (it "
                   "must be an IPv4 address of a host, and not loopback)",
                   gateway);
      return FALSE;
    }
  zu_json_builder_set_member (b, "IPAM");
  zu_json_builder_begin_object (b);
  zu_json_builder_set_member (b, "Config");
  zu_json_builder_begin_array (b);
  zu_json_builder_begin_object (b);
  put_text (b, "Subnet", subnet);
  put_text (b, "Gateway", gateway);
  zu_json_builder_end_object (b);
  zu_json_builder_end_array (b);
  zu_json_builder_end_object (b);
  return TRUE;
}

static void
put_labels (ZuJsonBuilder *b, const char *process)
{
  g_autofree char *owner = g_strdup_printf ("%u", geteuid ());

  zu_json_builder_set_member (b, "Labels");
  zu_json_builder_begin_object (b);
  put_text (b, LABEL, LABEL_VALUE);
  put_text (b, LABEL_OWNER, owner);
  if (process != NULL)
    put_text (b, LABEL_PROCESS, process);
  zu_json_builder_end_object (b);
}

static ZuJson *
make_request (const char *name, const char *gateway, const char *process, GError **error)
{
  g_autoptr (ZuJsonBuilder) b = zu_json_builder_new ();
  g_autofree char *bridge = make_bridge (name);

  zu_json_builder_begin_object (b);
  put_text (b, "Name", name);
  put_text (b, "Driver", "bridge");
  put_true (b, "CheckDuplicate");
  put_true (b, "Internal");
  zu_json_builder_set_member (b, "Options");
  zu_json_builder_begin_object (b);
  put_text (b, BRIDGE_OPTION, bridge);
  zu_json_builder_end_object (b);
  put_labels (b, process);
  if (!put_addresses (b, gateway, error))
    return NULL;
  zu_json_builder_end_object (b);
  return zu_json_builder_end (b, error);
}

/* A container that is being removed is in it for a moment yet. */
gboolean
zu_internal_network_remove (ZuDockerEngine *engine, const ZuInternalNetwork *network,
                            GError **error)
{
  g_autofree char *path = g_strdup_printf ("/networks/%s", network->id);

  for (guint waited = 0;; waited += LEAVE_STEP_MS)
    {
      guint status;
      g_autoptr (ZuJson) answer = call (engine, "DELETE", path, NULL, &status, NULL, error);

      if (answer == NULL)
        return FALSE;
      if (status == 204 || status == 404)
        return TRUE;
      if (status != STATUS_IN_USE || waited >= LEAVE_MS)
        return take_error (engine, "does not remove the network", status, answer, error);
      g_usleep (LEAVE_STEP_MS * 1000);
    }
}

/* What it made and does not give back as it was asked for goes again; podman may leave the bridge's
 * name out. */
static ZuInternalNetwork *
read_made (ZuDockerEngine *engine, const char *name, ZuJson *answer, GError **error)
{
  g_autofree char *id = zu_peek_member_text (answer, "Id");
  g_autoptr (GError) why = NULL;
  ZuInternalNetwork *self = zu_internal_network_find (engine, name, NULL, &why);
  ZuInternalNetwork made = { .id = id };

  if (self != NULL)
    return self;
  if (id != NULL && strspn (id, HEX) == strlen (id) && *id != '\0')
    zu_internal_network_remove (engine, &made, NULL);
  g_set_error (error, FAILED, "the engine at %s did not make the network that it was asked for%s%s",
               zu_docker_engine_get_address (engine)->text, why != NULL ? ": " : "",
               why != NULL ? why->message : "");
  return NULL;
}

/* Not to be cancelled: an engine goes on with what it was asked for. */
ZuInternalNetwork *
zu_internal_network_create (ZuDockerEngine *engine, const char *name, const char *gateway,
                            const char *process, GError **error)
{
  g_autoptr (ZuJson) body = make_request (name, gateway, process, error);
  g_autoptr (ZuJson) answer = NULL;
  guint status;

  if (body == NULL)
    return NULL;
  answer = call (engine, "POST", "/networks/create", body, &status, NULL, error);
  if (answer == NULL)
    return NULL;
  if (status == 201)
    return read_made (engine, name, answer, error);
  take_error (engine, "does not make the network", status, answer, error);
  return NULL;
}

/* All that are ours. */
GPtrArray *
zu_internal_network_list (ZuDockerEngine *engine, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) networks =
      g_ptr_array_new_with_free_func ((GDestroyNotify) zu_internal_network_free);
  guint status;
  g_autoptr (ZuJson) answer = call (engine, "GET", "/networks", NULL, &status, cancellable, error);

  if (answer == NULL)
    return NULL;
  if (status != 200 || zu_json_get_kind (answer) != ZU_JSON_KIND_ARRAY)
    {
      take_error (engine, "does not list its networks", status, answer, error);
      return NULL;
    }
  for (gsize i = 0; i < zu_peek_size (answer); i++)
    {
      g_autoptr (ZuJson) entry = zu_json_dup_element (answer, i);
      ZuInternalNetwork *network = read_network (entry);

      if (network != NULL)
        g_ptr_array_add (networks, network);
    }
  return g_steal_pointer (&networks);
}
