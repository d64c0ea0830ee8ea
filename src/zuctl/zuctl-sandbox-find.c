/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-sandbox.h"

#include <string.h>

#define KIND "zu.backends"
#define PORT "SandboxBackend"

ZuSandboxBackend *
zuctl_sandbox_open_backend (const char *name, GError **error)
{
  GObject *backend =
      zu_registry_create (zu_registry_get_default (), KIND, PORT, name, NULL, NULL, error);

  if (backend == NULL)
    {
      g_prefix_error (error, "cannot use the backend %s: ", name);
      return NULL;
    }
  return ZU_SANDBOX_BACKEND (backend);
}

/* Those that can be used here; what one has to say about itself, zuctl plugins says. */
GPtrArray *
zuctl_sandbox_list_backends (void)
{
  g_autoptr (GPtrArray) plugins = zu_registry_list (zu_registry_get_default ());
  GPtrArray *backends = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < plugins->len; i++)
    {
      ZuPluginInfo *info = plugins->pdata[i];
      ZuSandboxBackend *backend = NULL;

      if (g_strcmp0 (zu_plugin_info_get_kind (info), KIND) == 0
          && g_strcmp0 (zu_plugin_info_get_port (info), PORT) == 0)
        backend = zuctl_sandbox_open_backend (zu_plugin_info_get_name (info), NULL);
      if (backend != NULL)
        g_ptr_array_add (backends, backend);
    }
  return backends;
}

/* The backend that runs the sandbox: whichever knows it says whose it is. */
ZuSandboxBackend *
zuctl_sandbox_find (const char *id, GError **error)
{
  g_autoptr (GPtrArray) backends = zuctl_sandbox_list_backends ();

  for (guint i = 0; i < backends->len; i++)
    {
      g_autoptr (ZuSandbox) sandbox =
          zu_sandbox_backend_inspect (backends->pdata[i], id, NULL, NULL);

      if (sandbox != NULL)
        return zuctl_sandbox_open_backend (zu_sandbox_get_backend (sandbox), error);
    }

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
               "cannot find sandbox %s: there is none of that name here (see zuctl sandbox ls)",
               id);
  return NULL;
}
