/// Starts the sidecar where the user allowed it, one at a time among all programs of the user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "link/folders.h"
#include "link/private_files.h"
#include "link/process.h"

namespace stembridge::link {

/// Nothing here waits: `tend` is called now and then and does what is due. Every `nowUs` is on one
/// steady clock. All of it: link thread.
///
///     idle --want, lock taken, no server yet--> starting --connection file--> idle
///      ^                                            |
///      +------- back-off <-- ended, or not up ------+
///
/// The lock is held until the server is there, so that whoever gets it next finds the server.
class Starter {
public:
    explicit Starter(Folders folders) : folders_(std::move(folders)) {}
    /// A start that is not through is taken back: nobody waits for it.
    ~Starter();
    Starter(const Starter&) = delete;
    Starter& operator=(const Starter&) = delete;

    /// A server is wanted, and none runs here. Does what is due.
    void want(std::int64_t nowUs);
    /// Does what is due, wanted or not.
    void tend(std::int64_t nowUs);

    /// Whether a start, ours or another program's, is in progress.
    bool isStarting() const { return starting_ || elsewhere_; }
    /// Why the last start came to nothing, and what to do; "" where nothing is wrong.
    const std::string& problem() const { return problem_; }
    /// Starts that were made, for tests.
    std::int64_t starts() const { return starts_; }

private:
    void start(std::int64_t nowUs);
    void finish(std::int64_t nowUs, std::string problem);

    Folders folders_;
    FileLock lock_;
    std::optional<Child> child_;  // until somebody asked how it ended
    bool starting_ = false;
    bool elsewhere_ = false;
    std::int64_t dueUs_ = 0;    // when to look again, or to start again
    std::int64_t beganUs_ = 0;  // of this start
    std::int64_t failures_ = 0;
    std::int64_t starts_ = 0;
    std::string problem_;
};

}  // namespace stembridge::link
