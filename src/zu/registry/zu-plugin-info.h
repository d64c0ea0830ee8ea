/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-json.h"

G_BEGIN_DECLS

#define ZU_TYPE_PLUGIN_INFO   (zu_plugin_info_get_type ())
#define ZU_TYPE_PLUGIN_STATUS (zu_plugin_status_get_type ())
G_DECLARE_FINAL_TYPE (ZuPluginInfo, zu_plugin_info, ZU, PLUGIN_INFO, GObject)

typedef enum
{
  ZU_PLUGIN_STATUS_AVAILABLE,
  ZU_PLUGIN_STATUS_LOADED,
  ZU_PLUGIN_STATUS_FAILED,
} ZuPluginStatus;

GType zu_plugin_status_get_type (void);

const char *zu_plugin_info_get_kind (ZuPluginInfo *self);
const char *zu_plugin_info_get_port (ZuPluginInfo *self);
const char *zu_plugin_info_get_name (ZuPluginInfo *self);
const char *zu_plugin_info_get_type_name (ZuPluginInfo *self);
const char *zu_plugin_info_get_module (ZuPluginInfo *self);
ZuPluginStatus zu_plugin_info_get_status (ZuPluginInfo *self);
const char *zu_plugin_info_get_error (ZuPluginInfo *self);
const char *zu_plugin_info_get_measurement (ZuPluginInfo *self);
ZuJson *zu_plugin_info_to_json (ZuPluginInfo *self);

G_END_DECLS
