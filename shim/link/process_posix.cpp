#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "link/process.h"

#ifdef __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char** environ;
#endif

namespace stembridge::link {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> found;
    for (std::string& text : texts) {
        found.push_back(text.data());
    }
    found.push_back(nullptr);
    return found;
}

// What the child does with descriptors and signals before it becomes the program.
class Preparation {
public:
    explicit Preparation(const std::filesystem::path& log) {
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        constexpr int fresh = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW;
        posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), fresh, 0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        posix_spawn_file_actions_addchdir_np(&actions, "/");
        int flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
#ifdef __APPLE__
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#else
        posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
    }
    ~Preparation() {
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

}  // namespace

std::vector<std::string> sidecarEnvironment() {
    std::vector<std::string> kept{"PATH=/usr/local/bin:/usr/bin:/bin"};
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (isForSidecar(text.substr(0, text.find('=')))) {
            kept.push_back(text);
        }
    }
    return kept;
}

Outcome<Child> startProgram(const std::vector<std::string>& command,
                            const std::filesystem::path& log) {
    std::vector<std::string> arguments = command;
    std::vector<std::string> variables = sidecarEnvironment();
    const Preparation before(log);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, arguments[0].c_str(), &before.actions, &before.attributes,
                                  pointers(arguments).data(), pointers(variables).data());
    if (error != 0) {
        return Problem{arguments[0] + " cannot be started: " + std::generic_category().message(error) +
                       "; run `stembridge plugin install` again"};
    }
    return Child{pid, 0};
}

std::optional<int> endOf(Child& child) {
    int status = 0;
    const pid_t ended = waitpid(static_cast<pid_t>(child.pid), &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
        return std::nullopt;
    }
    if (ended < 0) {  // the host waits for all children; how it ended, only the host knows
        return 0;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void endNow(Child& child) {
    const auto pid = static_cast<pid_t>(child.pid);
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool isRunning(std::int64_t pid) {
    return pid > 0 && pid <= INT32_MAX && kill(static_cast<pid_t>(pid), 0) == 0;
}

}  // namespace stembridge::link
