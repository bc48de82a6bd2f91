/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file cache.h
 * Sizes of caches, which block sizes follow from. CPUID alone does not tell them: some virtual machines leave
 * its leaf on caches empty, and still the system knows. */

#ifndef BRCONV1D_CACHE_H
#define BRCONV1D_CACHE_H

#include "brconv1d.h"

/** Bytes of the first or second level that block sizes follow from: the system's, but no more than a core
 * really has to itself. Virtual machines make up larger ones, and clusters of cores share them. */
int64_t brconv1d_core_cache(int level);

enum { brconv1d_cache_levels = 3 };

/** What the C library knows: bytes of one cache of a level, however many cores share it; 0: nothing. */
int64_t brconv1d_cache_bytes_of_sysconf(int level);

/** What the kernel lists.
 * @param folder one CPU's, "/sys/devices/system/cpu/cpu0/cache"
 * @param[out] cores that share a cache of the level; 0: it doesn't say
 * @return bytes of that cache; 0 where the folder doesn't say */
int64_t brconv1d_cache_bytes_of_sysfs(const char *folder, int level, int64_t *cores);

/** What almost every CPU with AVX2 has at least, for a core. */
int64_t brconv1d_usual_cache_bytes(int level);

#endif
