/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

int zu_proxy_seccomp_load (void);
