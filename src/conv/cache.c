/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/cache.h"

#include "brgemm/integers.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t brdnn_cache_bytes_of_sysconf(int level) {
#ifdef _SC_LEVEL1_DCACHE_SIZE /* glibc's; other C libraries don't know */
    static const int names[brdnn_cache_levels]
            = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    return brdnn_max(sysconf(names[level - 1]), 0);
#else
    (void)level;
    return 0;
#endif
}

enum { line_length = 256 };

/* The text of a cache's file; empty where there is none. */
static void read_file(const char *folder, int index, const char *name, char text[line_length]) {
    char path[512];
    text[0] = '\0';
    const int length = snprintf(path, sizeof(path), "%s/index%d/%s", folder, index, name);
    if (length < 0 || length >= (int)sizeof(path)) return;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    const ssize_t bytes = read(file, text, line_length - 1);
    text[bytes > 0 ? bytes : 0] = '\0';
    close(file);
}

/* The index of the level's data cache; -1 where there is none. */
static int index_of(const char *folder, int level) {
    char text[line_length];
    for (int index = 0; index < 16; ++index) {
        read_file(folder, index, "level", text);
        if (atoi(text) != level) continue;
        read_file(folder, index, "type", text);
        if (text[0] && !strstr(text, "Instruction")) return index;
    }
    return -1;
}

/* "48K", "2M" or plain bytes; 0 for anything else. */
static int64_t parse_size(const char *text) {
    char *unit;
    const long long count = strtoll(text, &unit, 10);
    if (count < 0 || count > BRDNN_SIZE_LIMIT >> 20) return 0;
    return count * (*unit == 'K' ? 1 << 10 : *unit == 'M' ? 1 << 20 : 1);
}

/* CPUs of a list as "0-3,8,10-11". */
static int64_t count_cpus(const char *list) {
    int64_t count = 0;
    while (*list) {
        char *end;
        const long first = strtol(list, &end, 10);
        if (end == list) break;
        const long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        count += brdnn_max(last - first + 1, 0);
        list = *end == ',' ? end + 1 : end;
    }
    return count;
}

static int64_t sharing_cpus(const char *folder, int level) {
    char text[line_length];
    read_file(folder, index_of(folder, level), "shared_cpu_list", text);
    return count_cpus(text);
}

int64_t brdnn_cache_bytes_of_sysfs(const char *folder, int level, int64_t *cores) {
    char text[line_length];
    /* The threads of one core share its first level. */
    *cores = sharing_cpus(folder, level) / brdnn_max(sharing_cpus(folder, 1), 1);
    read_file(folder, index_of(folder, level), "size", text);
    return parse_size(text);
}

int64_t brdnn_usual_cache_bytes(int level) {
    static const int64_t usual[brdnn_cache_levels] = {32 << 10, 512 << 10, 1 << 20};
    return usual[level - 1];
}

/* A smaller size is no cache's, but what an empty answer looks like after arithmetic. */
static bool is_plausible(int64_t bytes) { return bytes >= 4096; }

static int64_t ask_system(int level) {
    int64_t cores;
    const int64_t listed
            = brdnn_cache_bytes_of_sysfs("/sys/devices/system/cpu/cpu0/cache", level, &cores);
    const int64_t known = brdnn_cache_bytes_of_sysconf(level);
    if (cores < 1) cores = level < brdnn_cache_levels ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
    const int64_t bytes = (is_plausible(known) ? known : listed) / brdnn_max(cores, 1);
    return is_plausible(bytes) ? bytes : brdnn_usual_cache_bytes(level);
}

int64_t brdnn_cache_bytes(int level, int64_t reported) {
    /* Threads that ask at once all find the same. */
    static _Atomic int64_t answers[brdnn_cache_levels];
    if (level < 1 || level > brdnn_cache_levels) return reported;
    if (is_plausible(reported) || (level == 3 && reported == 0)) return reported;
    int64_t bytes = atomic_load_explicit(&answers[level - 1], memory_order_relaxed);
    if (bytes > 0) return bytes;
    bytes = ask_system(level);
    atomic_store_explicit(&answers[level - 1], bytes, memory_order_relaxed);
    return bytes;
}

int64_t brdnn_core_cache(int level) {
    const int64_t most = level == 1 ? 64 << 10 : 2 << 20;
    return brdnn_min(brdnn_cache_bytes(level, 0), most);
}
