// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Sizes of caches: which answer is believed, and how the kernel's list is read.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

extern "C" {
#include "conv/cache.h"
}

namespace brdnn_test {
namespace {

namespace fs = std::filesystem;

TEST(CacheSizes, BelievesWhatCanBeTrue) {
    for (int64_t reported : {4096, 32 << 10, 48 << 10, 1 << 20, 1 << 30}) {
        EXPECT_EQ(brdnn_cache_bytes(1, reported), reported);
        EXPECT_EQ(brdnn_cache_bytes(2, reported), reported);
        EXPECT_EQ(brdnn_cache_bytes(3, reported), reported);
    }
    EXPECT_EQ(brdnn_cache_bytes(3, 0), 0) << "a CPU need not have a third level";
    EXPECT_EQ(brdnn_cache_bytes(4, 0), 0);
    EXPECT_EQ(brdnn_cache_bytes(0, 7), 7);
}

TEST(CacheSizes, AsksTheSystemWhereCpuidIsEmpty) {
    for (int level = 1; level <= brdnn_cache_levels; ++level)
        for (int64_t reported : {1, 64, 4095, -1}) {
            const int64_t bytes = brdnn_cache_bytes(level, reported);
            EXPECT_GE(bytes, 4096) << "level " << level << " reported " << reported;
            EXPECT_EQ(bytes, brdnn_cache_bytes(level, 1)) << "the same each time";
        }
    const int64_t known = brdnn_cache_bytes_of_sysconf(1);
    if (known >= 4096) { EXPECT_EQ(brdnn_cache_bytes(1, 0), known); }
}

TEST(CacheSizes, ThatBlocksFollowFromAreWithinReason) {
    EXPECT_GE(brdnn_core_cache(1), 4096);
    EXPECT_LE(brdnn_core_cache(1), 64 << 10);
    EXPECT_GE(brdnn_core_cache(2), 4096);
    EXPECT_LE(brdnn_core_cache(2), 2 << 20);
}

TEST(CacheSizes, KnowsWhatIsUsual) {
    for (int level = 1; level <= brdnn_cache_levels; ++level)
        EXPECT_GE(brdnn_usual_cache_bytes(level), 32 << 10);
}

/// A CPU's folder as the kernel fills it.
class CacheFolder : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "brdnn-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { fs::remove_all(folder_); }

    void list(int index, const std::string &level, const std::string &type, const std::string &size,
            const std::string &cpus) const {
        const fs::path cache = folder_ / ("index" + std::to_string(index));
        fs::create_directory(cache);
        std::ofstream(cache / "level") << level << "\n";
        std::ofstream(cache / "type") << type << "\n";
        std::ofstream(cache / "size") << size << "\n";
        std::ofstream(cache / "shared_cpu_list") << cpus << "\n";
    }

    /// {bytes, cores that share them}
    std::pair<int64_t, int64_t> found(int level) const {
        int64_t cores = -1;
        const int64_t bytes = brdnn_cache_bytes_of_sysfs(folder_.c_str(), level, &cores);
        return {bytes, cores};
    }

    fs::path folder_;
};

using Found = std::pair<int64_t, int64_t>;

TEST_F(CacheFolder, OfACoreWithTwoThreads) {
    list(0, "1", "Instruction", "64K", "0,64");
    list(1, "1", "Data", "48K", "0,64");
    list(2, "2", "Unified", "2048K", "0,64");
    list(3, "3", "Unified", "105M", "0-31,64-95");
    EXPECT_EQ(found(1), Found(48 << 10, 1));
    EXPECT_EQ(found(2), Found(2 << 20, 1));
    EXPECT_EQ(found(3), Found(105 << 20, 32));
}

TEST_F(CacheFolder, WithoutAThirdLevel) {
    list(0, "1", "Data", "32768", "3");
    EXPECT_EQ(found(1), Found(32768, 1));
    EXPECT_EQ(found(3), Found(0, 0));
}

TEST_F(CacheFolder, ThatIsEmptyOrMakesNoSense) {
    EXPECT_EQ(found(1), Found(0, 0));
    list(0, "1", "Data", "lots", "all");
    EXPECT_EQ(found(1), Found(0, 0));
    list(0, "1", "Data", "99999999999999999999K", "9-3,");
    EXPECT_EQ(found(1).first, 0);
    list(0, "1", "Data", "-4K", "0");
    EXPECT_EQ(found(1).first, 0);
}

TEST(CacheSizes, WithoutTheFolder) {
    int64_t cores = -1;
    EXPECT_EQ(brdnn_cache_bytes_of_sysfs("/nonexistent", 1, &cores), 0);
    EXPECT_EQ(cores, 0);
}

} // namespace
} // namespace brdnn_test
