// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The library is a guest in its user's process: it leaves environment, files, exit handlers,
/// threads and memory alone. Most of this is looked at from outside, in a small host program
/// (containment_guest.c) that the kernel forbids what the library must not do.

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// In a filter for system calls, a rule that kills for the call `number`.
void forbid(std::vector<sock_filter> *rules, unsigned number) {
    rules->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    rules->push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
}

// The same, only where the given argument has the bits set.
void forbid_flag(std::vector<sock_filter> *rules, unsigned number, int argument, unsigned bits) {
    const auto low_half = static_cast<unsigned>(offsetof(seccomp_data, args) + 8 * argument);
    rules->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
    rules->push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_half));
    rules->push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    rules->push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    rules->push_back(
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offsetof(seccomp_data, nr))));
}

// From here on creating a file anywhere, pinning and starting a thread or process are fatal.
bool forbid_misbehaviour() {
    std::vector<sock_filter> rules;
    rules.push_back(
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offsetof(seccomp_data, nr))));
    forbid_flag(&rules, SYS_open, 1, O_CREAT);
    forbid_flag(&rules, SYS_openat, 2, O_CREAT);
    for (unsigned number : {SYS_creat, SYS_mkdir, SYS_mkdirat, SYS_mknod, SYS_mknodat, SYS_symlink,
                 SYS_symlinkat, SYS_link, SYS_linkat, SYS_rename, SYS_renameat, SYS_memfd_create,
                 SYS_sched_setaffinity, SYS_clone, SYS_clone3, SYS_fork, SYS_vfork})
        forbid(&rules, number);
    rules.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter = {static_cast<unsigned short>(rules.size()), rules.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool system_can_forbid() {
    const pid_t child = fork();
    if (child == 0) _exit(forbid_misbehaviour() ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum class Watch { only, and_forbid };

struct Outcome {
    int status = -1; ///< of waitpid
    std::map<std::string, int> said;

    bool went_well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    bool was_stopped_by_kernel() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }
};

// Runs a guest in an empty folder that is also its home and its place for temporary files.
class Containment : public testing::Test {
protected:
    void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
        GTEST_SKIP() << "AddressSanitizer is a guest of its own in the host program";
#endif
        std::string pattern = fs::temp_directory_path() / "brdnn_test_XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override {
        if (!folder_.empty()) fs::remove_all(folder_);
    }

    Outcome run(const char *program, const char *what, Watch watch = Watch::only) {
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) become_guest(program, what, watch, ends);
        close(ends[1]);
        Outcome outcome;
        std::istringstream words(read_all(ends[0]));
        close(ends[0]);
        waitpid(child, &outcome.status, 0);
        std::string name;
        for (int value; words >> name >> value;)
            outcome.said[name] = value;
        return outcome;
    }

    int files_left() {
        return static_cast<int>(
                std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }

private:
    [[noreturn]] void become_guest(const char *program, const char *what, Watch watch, int *ends) {
        if (dup2(ends[1], STDOUT_FILENO) < 0 || chdir(folder_.c_str()) != 0) _exit(2);
        const std::string home = "HOME=" + folder_, temporary = "TMPDIR=" + folder_;
        char plain[] = "PLAIN=1";
        char *environment[] = {const_cast<char *>(home.c_str()),
                const_cast<char *>(temporary.c_str()), plain, nullptr};
        char *arguments[] = {const_cast<char *>(program), const_cast<char *>(what), nullptr};
        if (watch == Watch::and_forbid && !forbid_misbehaviour()) _exit(3);
        execve(program, arguments, environment);
        _exit(4);
    }

    static std::string read_all(int file) {
        std::string text;
        char part[4096];
        for (ssize_t bytes; (bytes = read(file, part, sizeof part)) > 0;)
            text.append(part, static_cast<size_t>(bytes));
        return text;
    }

    std::string folder_;
};

constexpr const char *guest = BRDNN_CONTAINMENT_GUEST;
constexpr const char *guest_without_library = BRDNN_CONTAINMENT_GUEST_WITHOUT_LIBRARY;

TEST_F(Containment, EnvironmentStays) {
    Outcome outcome = run(guest, "use");
    ASSERT_TRUE(outcome.went_well());
    EXPECT_EQ(outcome.said.at("environment_changed"), 0);
    EXPECT_EQ(run(guest, "environment").said.at("environment_changed"), 1) << "the test is blind";
}

TEST_F(Containment, NoExitHandler) {
    Outcome outcome = run(guest, "use");
    ASSERT_TRUE(outcome.went_well());
    EXPECT_EQ(outcome.said.at("exit_handlers"), 0);
    EXPECT_EQ(run(guest, "exit-handler").said.at("exit_handlers"), 1) << "the test is blind";
}

TEST_F(Containment, NothingRunsBeforeOrAfterMain) {
    Outcome with = run(guest, "use"), without = run(guest_without_library, "use");
    ASSERT_TRUE(with.went_well());
    ASSERT_TRUE(without.went_well());
    for (const char *when : {"run_before_main", "run_after_main"})
        EXPECT_EQ(with.said.at(when), without.said.at(when)) << when;
}

TEST_F(Containment, NoFileInItsFolders) {
    ASSERT_TRUE(run(guest, "use").went_well());
    EXPECT_EQ(files_left(), 0);
    ASSERT_TRUE(run(guest, "file").went_well());
    EXPECT_EQ(files_left(), 1) << "the test is blind";
}

TEST_F(Containment, AffinityStays) {
    Outcome outcome = run(guest, "use");
    ASSERT_TRUE(outcome.went_well());
    EXPECT_EQ(outcome.said.at("affinity_changed"), 0);
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    if (CPU_COUNT(&allowed) == 1) return; // nothing to pin to: the misdeed would change nothing
    EXPECT_EQ(run(guest, "pin").said.at("affinity_changed"), 1) << "the test is blind";
}

TEST_F(Containment, NoFileAnywhereNoPinningNoThread) {
    if (!system_can_forbid()) GTEST_SKIP() << "this system filters no system calls (seccomp)";
    for (const char *misdeed : {"file", "pin", "thread"})
        EXPECT_TRUE(run(guest, misdeed, Watch::and_forbid).was_stopped_by_kernel())
                << "the test is blind to " << misdeed;
    EXPECT_TRUE(run(guest, "use", Watch::and_forbid).went_well());
}

} // namespace
