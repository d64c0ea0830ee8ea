/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/secret/zu-secret.h>

#include <zu/event/zu-json.h>
#include <zu/event/zu-event.h>
#include <zu/event/zu-filter.h>

#include <zu/chain/zu-anchor.h>
#include <zu/chain/zu-chain.h>
#include <zu/chain/zu-seal.h>

#include <zu/base/zu-call.h>
#include <zu/base/zu-field.h>
#include <zu/base/zu-peer.h>
#include <zu/base/zu-port.h>
#include <zu/base/zu-record.h>
#include <zu/base/zu-remote.h>

#include <zu/rpc/zu-rpc-frame.h>
#include <zu/rpc/zu-rpc-client.h>
#include <zu/rpc/zu-rpc-port.h>
#include <zu/rpc/zu-rpc-server.h>

#include <zu/ports/zu-types.h>
#include <zu/ports/zu-ports.h>

#include <zu/chain/zu-seal-verifier.h>

#include <zu/codec/zu-codec-set.h>
#include <zu/codec/zu-identity-codec.h>
#include <zu/chain/zu-chain-log.h>
#include <zu/chain/zu-rows.h>
#include <zu/registry/zu-measure.h>
#include <zu/registry/zu-open-sink.h>
#include <zu/registry/zu-plugin-info.h>
#include <zu/registry/zu-registry.h>

#include <zu/bus/zu-anchorer.h>
#include <zu/bus/zu-delivery-failure.h>
#include <zu/bus/zu-destination.h>
#include <zu/bus/zu-event-bus.h>
#include <zu/bus/zu-key-watch.h>

#include <zu/adapter/zu-channel-remote.h>
#include <zu/adapter/zu-dbus-adapter.h>
#include <zu/adapter/zu-dbus-remote.h>
#include <zu/adapter/zu-port-channel.h>
