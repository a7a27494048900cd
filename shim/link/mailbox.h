/// What a client and its agent on the link thread leave for each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/track.h"
#include "link/status.h"
#include "protocol/messages.h"

namespace stembridge::link {

/// Left by the client, taken by the agent all at once.
struct Letter {
    std::shared_ptr<Track> track;  ///< null: as before
    std::optional<protocol::Configure> wish;
    bool wakes = false;   ///< connect, whether something is played or not
    bool leaves = false;  ///< there is no client any more
};

/// Any thread; the lock is held for a few moves of pointers and strings only.
class Mailbox {
public:
    explicit Mailbox(std::string name) : name_(std::move(name)) {}

    /// Of the client, for the server's reports.
    const std::string& name() const { return name_; }

    template <typename Change>
    void write(Change change) {
        const std::lock_guard lock(mutex_);
        change(letter_);
    }

    /// What was left since the last time.
    Letter take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(letter_, Letter{});
    }

    void publish(const Status& status) {
        const std::lock_guard lock(mutex_);
        status_ = status;
    }

    Status status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

    /// Counts up with all that shows that it goes on: stems, answers, and steps of a start.
    std::atomic<std::int64_t> progress{0};
    /// False once it is known that there is no server, or that it does not grant what is wanted.
    std::atomic<bool> isHopeful{true};

private:
    const std::string name_;
    mutable std::mutex mutex_;
    Letter letter_;
    Status status_;
};

}  // namespace stembridge::link
