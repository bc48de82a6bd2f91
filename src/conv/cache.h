/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/cache.h
 * Sizes of caches, which block sizes follow from. CPUID alone does not tell them: some virtual machines leave
 * its leaf on caches empty, and still the system knows. */

#ifndef BRDNN_CONV_CACHE_H
#define BRDNN_CONV_CACHE_H

#include "brdnn.h"

/** Bytes of the first or second level that block sizes follow from: the system's, but no more than a core
 * really has to itself. Virtual machines make up larger ones, and clusters of cores share them. */
int64_t brdnn_core_cache(int level);

enum { brdnn_cache_levels = 3 };

/** What the C library knows: bytes of one cache of a level, however many cores share it; 0: nothing. */
int64_t brdnn_cache_bytes_of_sysconf(int level);

/** What the kernel lists.
 * @param folder one CPU's, "/sys/devices/system/cpu/cpu0/cache"
 * @param[out] cores that share a cache of the level; 0: it doesn't say
 * @return bytes of that cache; 0 where the folder doesn't say */
int64_t brdnn_cache_bytes_of_sysfs(const char *folder, int level, int64_t *cores);

/** What almost every CPU with AVX2 has at least, for a core. */
int64_t brdnn_usual_cache_bytes(int level);

#endif
