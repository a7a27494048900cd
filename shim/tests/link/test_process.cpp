/// What a program that we start gets of the host, and what becomes of it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "folder.h"
#include "link/process.h"
#include "link/starter.h"

using namespace stembridge::link;

namespace {

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

int waitFor(Child& child) {
    std::optional<int> status;
    while (!(status = endOf(child))) {
        nap();
    }
    return *status;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A sidecar of a test: says that it was started, and writes `connection` as a server does.
std::string commandOf(const Folder& folder, const std::string& then) {
    const std::string place = folder.path().string();
    return R"({"command": ["/bin/sh", "-c", "echo start >> )" + place + "/starts; " + then +
           R"(", "sh"]})";
}

}  // namespace

TEST_CASE("a program gets a clean start") {
    const Folder folder;
    const int leaked = open("/dev/null", O_RDONLY);  // no close-on-exec, as hosts have them
    setenv("LD_LIBRARY_PATH", "/host/lib", 1);
    setenv("HF_HOME", "/models", 1);
    auto* const before = signal(SIGTERM, SIG_IGN);
    sigset_t blocked;
    sigset_t old;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, &old);
    auto child = startProgram({"/bin/sh", "-c",
                               "echo \"$1\"; env; pwd; cut -d' ' -f6 /proc/self/stat; "
                               "grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd; "
                               "exit 7",
                               "sh", "a 'b' $HOME"},
                              folder.path() / "log");
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    signal(SIGTERM, before);
    unsetenv("LD_LIBRARY_PATH");
    close(leaked);
    REQUIRE(child);
    CHECK(waitFor(*child) == 7);
    const std::string log = folder.read("log");
    CAPTURE(log);
    CHECK(has(log, "a 'b' $HOME\n"));
    CHECK_FALSE(has(log, "LD_LIBRARY_PATH"));
    CHECK(has(log, "HF_HOME=/models"));
    CHECK(has(log, "\n/\n"));
    const std::string pid = std::to_string(child->pid);
    CHECK(has(log, std::string("\n").append(pid).append("\n")));  // a session of its own
    CHECK(has(log, "SigBlk:\t0000000000000000"));
    // But 32 and 33, which are the C library's own.
    CHECK((std::stoull(log.substr(log.find("SigIgn:") + 8, 16), nullptr, 16) & ~0x180000000ULL) == 0);
    CHECK(log.ends_with("\n0\n1\n2\n3\n"));  // 3 is the folder itself
}

TEST_CASE("how a program ends is known, and one can be ended") {
    const Folder folder;
    CHECK_FALSE(startProgram({"/nonexistent"}, folder.path() / "log"));
    auto child = startProgram({"/bin/sleep", "60"}, folder.path() / "log");
    REQUIRE(child);
    CHECK(isRunning(child->pid));
    CHECK_FALSE(endOf(*child));
    endNow(*child);
    CHECK_FALSE(isRunning(child->pid));
    auto killed = startProgram({"/bin/sh", "-c", "kill -9 $$"}, folder.path() / "log");
    REQUIRE(killed);
    CHECK(waitFor(*killed) == 137);
    CHECK_FALSE(isRunning(0));
    CHECK_FALSE(isRunning(-1));
    CHECK_FALSE(isRunning(std::int64_t{1} << 40));
}

TEST_CASE("nothing is started that is not allowed") {
    const Folder folder;
    const Folders folders{folder.path() / "c", folder.path() / "r"};
    Starter starter(folders);
    starter.want(0);
    CHECK_FALSE(starter.isStarting());
    CHECK(has(starter.problem(), "stembridge plugin install"));
    CHECK_FALSE(std::filesystem::exists(folders.runtime));
    folder.write("c/plugin.json", commandOf(folder, "exit 0"), 0644);
    starter.want(60'000'000);
    CHECK(has(starter.problem(), "open to other users"));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "starts"));
}

TEST_CASE("a failure is told, and tried again ever more rarely") {
    const Folder folder;
    folder.write("c/plugin.json", commandOf(folder, "exit 3"));
    Starter starter({folder.path() / "c", folder.path() / "r"});
    std::int64_t now = 0;
    std::vector<std::int64_t> began;
    while (began.size() < 4) {
        starter.want(now);
        if (starter.starts() > static_cast<std::int64_t>(began.size())) {
            began.push_back(now);
        }
        while (starter.isStarting()) {
            nap();
            now += 1000;
            starter.tend(now);
        }
        now += 100'000;
    }
    CHECK(has(starter.problem(), "status 3"));
    CHECK(has(starter.problem(), "sidecar.log"));
    CHECK(began[2] - began[1] >= 2'000'000);
    CHECK(began[3] - began[2] >= 4'000'000);
}

TEST_CASE("two starters start one sidecar, and a start that nobody waits for is taken back") {
    const Folder folder;
    const std::string place = folder.path().string();
    folder.write("c/plugin.json", commandOf(folder, "exec sleep 3"));
    const Folders folders{folder.path() / "c", folder.path() / "r"};
    Starter second(folders);
    {
        Starter first(folders);
        first.want(0);
        second.want(0);
        CHECK(first.isStarting());
        CHECK(second.isStarting());
        CHECK(first.starts() == 1);
        CHECK(second.starts() == 0);
        while (folder.read("starts").empty()) {
            nap();
        }
    }
    second.want(1'000'000);
    CHECK(second.starts() == 1);
    folder.write("r/connection.json",
                 R"({"control": "ipc:///x", "audio": "ipc:///y", "server_key": "", "pid": )" +
                     std::to_string(getpid()) +
                     R"(, "started": 1, "protocol": [1, 0], "version": "1"})");
    second.tend(2'000'000);
    CHECK_FALSE(second.isStarting());
    CHECK(second.problem().empty());
    Starter third(folders);
    third.want(0);
    CHECK(third.starts() == 0);  // one is there
}
