/// Starting a program beside the host, and whether one runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "link/outcome.h"

namespace stembridge::link {

/// A program that was started; on POSIX systems somebody has to ask for its end.
struct Child {
    std::int64_t pid = 0;
    std::intptr_t handle = 0;  // Windows only
};

/// Runs `command`, absolute arguments, without a shell: in a session of its own, in the root folder,
/// with an environment of only what a sidecar needs, no descriptor of the host's, its signals as at
/// login; output goes to `log`. The host is not copied for it (no fork: its audio threads would stall
/// on every page that they touch). Link thread.
Outcome<Child> startProgram(const std::vector<std::string>& command,
                            const std::filesystem::path& log);

/// The exit status of a child that has ended, which can be asked once; nothing while it runs. 128
/// and more where a signal ended it. Link thread.
std::optional<int> endOf(Child& child);

/// Ends a child that is not to go on, and whatever there is to remember of it. Link thread.
void endNow(Child& child);

/// Whether there is a process `pid` of this user. Any thread.
bool isRunning(std::int64_t pid);

/// What a sidecar gets of the host's environment, as NAME=VALUE. Any thread.
std::vector<std::string> sidecarEnvironment();

/// Whether a sidecar gets the host's variable of this name.
bool isForSidecar(const std::string& name);

}  // namespace stembridge::link
